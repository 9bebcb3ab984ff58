-- Grain: one row per profile that states a locale: that of its latest record with one. Input: person.
with stated as (
    select
        profile_id,
        locale,
        row_number() over (
            partition by profile_id
            order by created_at desc nulls last, locale
        ) as place
    from person
    where profile_id is not null
        and locale is not null
)

select
    profile_id,
    locale
from stated
where place = 1
