{{ config(meta={'audience': 'Repeat buyers'}) }}

select customers.customer_id as user_id, customers.email
from {{ ref('customers') }} as customers
join {{ ref('orders') }} as orders on orders.customer_id = customers.customer_id
where orders.status = 'completed'
group by customers.customer_id, customers.email
having count(*) >= 2
