"""``python -m loadtests.locust_run SCENARIO``: Locust with the right options, and an installation if none is named."""
