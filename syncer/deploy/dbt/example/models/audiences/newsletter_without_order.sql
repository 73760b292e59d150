{{ config(meta={'audience': 'Newsletter, no order yet'}) }}

select customers.customer_id as user_id, customers.email
from {{ ref('customers') }} as customers
left join {{ ref('orders') }} as orders on orders.customer_id = customers.customer_id
where customers.newsletter and orders.order_id is null
