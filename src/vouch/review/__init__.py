"""What goes out to people and comes back: the queue, enqueue, collect, simulated reviewers."""
