{# Every member has one address, whatever its case and the blanks around it. Two members may share one. #}
{% test email_per_member(model, user_id='user_id', email='email') %}

select
    user_id,
    count(distinct contact) as addresses,
    sum(case when contact like '_%@_%' then 0 else 1 end) as rows_without
from (
    select {{ user_id }} as user_id, {{ syncer.contact_of(email) }} as contact
    from {{ model }}
) as members
group by user_id
having count(distinct contact) <> 1 or sum(case when contact like '_%@_%' then 0 else 1 end) > 0

{% endtest %}
