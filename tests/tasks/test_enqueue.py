from tasks.enqueue import enqueue


def test_a_try_that_failed_is_not_followed_by_one_that_chooses_other_cases():
    assert enqueue.retries == 0
