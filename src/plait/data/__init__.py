"""Tables in, batches out: reading, detecting, splitting, and one file a modality."""
