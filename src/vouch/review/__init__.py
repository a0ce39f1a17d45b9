"""Human review: the queue, enqueue, collect, and simulated reviewers."""
