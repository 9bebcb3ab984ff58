"""The one hook that tells somebody about failed runs and unread sources."""
