"""What every part uses: errors, files, settings, progress, databases; it knows none of them."""
