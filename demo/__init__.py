"""The demo: the whole way of a record, on the sandbox, in about a minute. Never imported by the product."""
