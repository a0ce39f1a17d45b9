"""The stages, one folder each: parameters and files in, files and a small result out."""
