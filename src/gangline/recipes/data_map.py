"""Data maps, under the name that the module has in LOFAR's framework."""

from gangline.recipes.datamaps import (
    DataMap,
    DataMapError,
    DataProduct,
    MultiDataMap,
    MultiDataProduct,
    align_data_maps,
    load_data_map,
    store_data_map,
    validate_data_maps,
)

__all__ = [
    "DataMap",
    "DataMapError",
    "DataProduct",
    "MultiDataMap",
    "MultiDataProduct",
    "align_data_maps",
    "load_data_map",
    "store_data_map",
    "validate_data_maps",
]
