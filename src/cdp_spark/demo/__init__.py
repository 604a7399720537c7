"""Demo data: a made-up retailer's sources, as they come in, and the truth about its customers apart.

`generate` writes one folder a source. First night: `2026-01-31` is the whole export, `2026-01-31_2` has rows delivered
twice, late (an older version of a known id) and corrected (a newer one), `2026-01-31_broken` has an unclosed quote.
Later nights: `2026-02-01` and so on. About 0.2% of the lines of CSV and JSON files are malformed copies of good rows.
In JSON lines a key without value is absent; in CSV its cell is empty. Times are UTC unless said otherwise.

Sources of records (`*` marks the key):

- crm (CSV, UTF-8 with BOM): customer_no*, title, first_name, last_name, birth_date (dd.mm.yyyy), email, phone, mobile,
  street, house_no, postcode, city, country, company, account_no, changed_at (dd.mm.yyyy hh:mm:ss, Europe/Berlin)
- marketing (JSON lines): contact_id*, full_name, email, phone, country, lead_status, job_title, company, opt_in,
  updated_at (ISO 8601 with Z)
- shop_customers (Parquet): customer_id*, user_id, given_name, family_name, email, phone, street_line, zip, town,
  country_code (small letters), updated_at (timestamp)
- till_customers (CSV with `;`, Latin-1, letters beyond it as `?`): KARTE*, NAME (`LAST, First`), TELEFON, EMAIL,
  GEBDAT (dd/mm/yyyy), PLZ, ORT, UMSATZ_VORJAHR (decimal comma), GEAENDERT (dd/mm/yyyy hh:mm, Europe/Berlin)
- support_tickets (CSV, newlines in quotes): ticket_id*, requester_name, email, phone, subject, body, opened_at
  (yyyy-mm-dd hh:mm:ss), status, satisfaction (1 to 5)
- billing (CSV): billing_id*, account_holder, company, iban_last4, address (one line), email, plan, mrr, started_on,
  cancelled_on (yyyy-mm-dd), updated_at (ISO 8601 with Z)
- social (JSON lines; a row is an interaction, a record a handle): handle*, display_name, email, interaction, post_id,
  ts (ISO 8601 with Z)
- accounts (CSV): account_no*, name, registration_number, domain, industry, employees, revenue_eur, street, postcode,
  city, country, updated_at (ISO 8601 with Z)
- partner_accounts (JSON lines): partner_ref*, company_name, website, phone, street, zip, city, country, headcount,
  modified (ISO 8601 with Z)

Sources of events:

- shop_orders (Parquet): order_id*, customer_id (a shop customer_id; null for guests), email, ordered_at (timestamp),
  product_id, category, quantity, amount (decimal), currency, status
- till_receipts (CSV with `;`, Latin-1): BON*, KARTE, FILIALE, ZEIT (dd/mm/yyyy hh:mm, Europe/Berlin), ARTIKEL,
  WARENGRUPPE, MENGE, BETRAG (decimal comma), ZAHLART
- web_events (JSON lines, gzip): cookie_id, user_id (after log-in), email_sha256 (sometimes), event, url, referrer,
  ts (milliseconds since 1970)
- app_events (Parquet): device_id, user_id (after log-in), event, occurred_at (timestamp), screen, product_id
- ad_events (CSV, gzip): cookie_id, campaign, channel, event, cost, ts (yyyy-mm-dd hh:mm:ss)
- email_engagement (JSON lines): email, campaign, event, ts (ISO 8601 with Z)
- consents (CSV): contact (e-mail or phone), purpose, status, at (ISO 8601 with Z), evidence

Truth: truth/records.csv (source, source_record_id, entity_type, entity_id, household_id), one row per record that a
good line delivers; truth/visitors.csv (visitor_type, visitor_id, entity_id, household_id, people), one row per cookie
or device, entity_id empty where nobody or more than one person identified themselves.
"""

from __future__ import annotations

from cdp_spark.demo.generate import DemoSummary, generate

__all__ = ["DemoSummary", "generate"]
