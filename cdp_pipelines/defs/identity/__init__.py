"""Identity and profiles: one step that links records to profiles and publishes the profile tables."""
