"""Parts of the task interface under the paths where programs for IPython parallel look for them."""
