"""Who is who: person records of all sources become profiles. Values are in clear here, in memory alone."""
