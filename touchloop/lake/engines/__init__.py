"""The analytical engines, one file each, behind the seam in `base`."""
