"""What differs between the use cases; everything else follows from roles."""
