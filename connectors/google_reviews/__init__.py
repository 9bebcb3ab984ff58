"""Google Business Profile: what people write about the business in public, and whether it replied.

Lands:      reviews
Left out:   the words of replies (our own), photos and pictures (no use), the average Google shows (we work it out),
            questions and answers, posts, insights (no metric reads them yet), locations as rows of their own
Increments: newest first, as nothing sorts upwards: until the last change already seen, a day over; once a day, or when
            the number of reviews says that one is gone, from end to end, because a reply moves no time of its review
            and a deleted review leaves no trace
Limits:     50 reviews a page; 300 calls a minute; none at all until Google has approved the project
Source:     https://developers.google.com/my-business, reviews v4, accounts and locations v1, read 2026-08
"""

from connectors.auth import Bearer
from connectors.google_reviews.account import count_reviews, describe, hopeless, load_places, missing_scopes, warn
from connectors.google_reviews.maps import map_review
from connectors.google_reviews.oauth import OAUTH, SCOPE
from connectors.google_reviews.readers import NewestFirst, read_reviews
from connectors.shapes import fields
from connectors.spec import Budget, Probe, Request, Source, Stream
from connectors.windows import Window
from models import Review

GOOGLE_REVIEWS = Source(
    name="google_reviews",
    base_url="https://mybusiness.googleapis.com",
    # Three of Google's APIs under three names; a location is listed by one and its reviews by another.
    hosts={
        "/v1/accounts": "https://mybusinessaccountmanagement.googleapis.com",
        "/v1/accounts/": "https://mybusinessbusinessinformation.googleapis.com",
    },
    auth=Bearer,
    # The published figure of the v1 APIs; reviews are not in the table.
    budget=Budget(windows=(Window(300, 60),)),
    credential_help="Run: cdp sources connect google_reviews, as a user who manages the profile, with an app of a "
    "project that Google has approved for the Business Profile APIs.",
    missing_scopes=missing_scopes,
    hopeless=hopeless,
    options=frozenset({"locations", "largest_removal"}),
    lookups={"places": load_places},
    describe=describe,
    warn=warn,
    oauth=OAUTH,
    probes=(Probe(Request("/v1/accounts", {"pageSize": "1"}), SCOPE),),
    streams=(
        Stream(
            name="reviews",
            entities=(Review,),
            path="/v4/accounts",
            rows_at="reviews",
            map=map_review,
            key="name",
            fields=fields(
                text="name reviewId starRating comment",
                time="createTime updateTime",
                object="reviewer reviewReply",
                list="reviewMediaItems",
            ),
            cursor=NewestFirst(),
            params={"pageSize": "50", "orderBy": "updateTime desc"},
            read=read_reviews,
            lookups=("places",),
            count=count_reviews,
            per_request=50,
            omits_empty=True,
            rereads="the newest page of each location, because no call tells which of them has news or lost a review, "
            "and once a day every page, because a reply moves no time",
        ),
    ),
)
