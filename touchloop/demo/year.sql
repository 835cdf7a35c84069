-- The retailer's year as messages of the tracking contract: messages(source, id, moment, body).
-- The variable `days` says by how much the year is moved.

create or replace temp macro moved(instant) as instant + to_days(getvariable('days')::integer);
create or replace temp macro stamp(instant) as strftime(instant, '%Y-%m-%dT%H:%M:%S.000Z');
create or replace temp macro card(household) as 'CJ' || lpad(household::varchar, 6, '0');

-- The contract wants a user: the household's number in the loyalty programme. A till knows it from
-- the card that is shown, and sends the card's number too.
create or replace temp macro member(household) as 'household-' || household;
create or replace temp macro shopper(household) as
  [{'id': card(household), 'type': 'card', 'collection': 'users', 'encoding': 'none'}];

create or replace temp table baskets as
select basket_id, any_value(household_id) as household_id, any_value(store_id) as store_id,
       moved(any_value(transaction_timestamp)) as moment,
       sum(round(sales_value * 100)::bigint) as cents,
       sum(round((retail_disc + coupon_disc + coupon_match_disc) * 100)::bigint) as discount_cents,
       sum(round((coupon_disc + coupon_match_disc) * 100)::bigint) as coupon_cents,
       to_json(list({
         'product_id': product_id::varchar, 'name': product_type, 'category': product_category,
         'department': department, 'brand': brand, 'quantity': quantity,
         'price': if(quantity > 0, round(sales_value / quantity, 4), null),
         'total': round(sales_value * 100)::bigint / 100
       } order by product_id)) as products
from transactions left join products using (product_id)
group by basket_id;

create or replace temp table messages as
select 'till' as source, 'cj-basket-' || basket_id as id, moment,
       to_json({
         'type': 'track', 'messageId': 'cj-basket-' || basket_id, 'event': 'Order Completed',
         'timestamp': stamp(moment),
         'userId': member(household_id),
         'context': {
           'externalIds': shopper(household_id),
           'touchpoint': {'channel': 'store', 'location': store_id::varchar, 'stage': 'ordering'}
         },
         'properties': {
           'order_id': basket_id::varchar, 'total': cents / 100, 'currency': 'USD',
           'discount': discount_cents / 100, 'coupon_discount': coupon_cents / 100,
           'products': products
         }
       })::varchar as body
from baskets;

-- Letters with coupons: posted on the campaign's first day.
insert into messages
select 'campaigns', id, moment,
       to_json({
         'type': 'track', 'messageId': id, 'event': 'Campaign Delivered', 'timestamp': stamp(moment),
         'userId': member(household_id), 'context': {'externalIds': shopper(household_id)},
         'properties': {
           'campaign_id': campaign_id::varchar, 'campaign_type': campaign_type,
           'starts_at': stamp(moved(start_date)), 'ends_at': stamp(moved(end_date))
         }
       })::varchar
from (
  select *, 'cj-campaign-' || campaign_id || '-' || household_id as id,
         moved(start_date) + interval 14 hour as moment
  from campaigns join campaign_descriptions using (campaign_id)
);

-- Of a redemption the day is known, not the hour, nor the store.
insert into messages
select 'till', id, moment,
       to_json({
         'type': 'track', 'messageId': id, 'event': 'Coupon Redeemed', 'timestamp': stamp(moment),
         'userId': member(household_id), 'context': {'externalIds': shopper(household_id)},
         'properties': {
           'coupon_upc': coupon_upc::varchar, 'campaign_id': campaign_id::varchar
         }
       })::varchar
from (
  select *,
         concat_ws('-', 'cj-redemption', household_id, coupon_upc, campaign_id,
                   strftime(redemption_date, '%Y%m%d')) as id,
         moved(redemption_date) + interval 17 hour as moment
  from coupon_redemptions
);

-- Each household joined before the year began, under the terms of the loyalty programme.
create or replace temp table joined as
select household_id, moved(timestamp '2016-11-01 12:00:00') as moment
from (select distinct household_id from transactions);

insert into messages
select 'crm', id, moment,
       json_merge_patch(
         to_json({
           'type': 'identify', 'messageId': id, 'timestamp': stamp(moment),
           'userId': member(household_id), 'context': {'externalIds': shopper(household_id)},
           'traits': {'name': 'Household ' || household_id}
         }),
         -- a patch with null removes the key: what is not known is not sent
         to_json({'traits': {
           'age': age, 'income': income, 'home_ownership': home_ownership,
           'marital_status': marital_status, 'household_size': household_size,
           'household_comp': household_comp, 'kids_count': kids_count
         }})
       )::varchar
from (select *, 'cj-household-' || household_id as id from joined)
left join demographics using (household_id);

insert into messages
select 'crm', id, moment,
       to_json({
         'type': 'track', 'messageId': id, 'event': 'Consent Given', 'timestamp': stamp(moment),
         'userId': member(household_id), 'context': {'externalIds': shopper(household_id)},
         'properties': {
           'purposes': ['service', 'measure', 'improve', 'personalise', 'profile'],
           'categories': ['bought'], 'basis': 'loyalty terms (demo)', 'notice_version': 'demo-1',
           'language': 'en', 'jurisdiction': 'US'
         }
       })::varchar
from (select *, 'cj-terms-' || household_id as id from joined);
