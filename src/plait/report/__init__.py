"""Reports: pictures and tables people would rather see than read."""
