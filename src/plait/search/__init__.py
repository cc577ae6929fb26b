"""An index of vectors, texts and plain columns that can be searched: LanceDB and usearch."""
