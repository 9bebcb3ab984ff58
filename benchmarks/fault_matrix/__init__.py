"""What becomes of faults in data that no error need announce, here and in a dlt rest_api pipeline."""
