"""The client; and other parts of the task interface, where programs for IPython parallel look for them."""

from gangline.views.client.client import Client

__all__ = ["Client"]
