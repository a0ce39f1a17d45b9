"""What a table is: declarations that give each column a role, readers, simulators."""
