//! What each kind of file holds: its fields, which must be there, and the column names they usually have.
//!
//! # Not here
//!
//! How a field finds its column is `plan`; what the values become is `orders`, `customers`, `events`, `products`.

use std::fmt;
use std::str::FromStr;

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One row an order, or one row a line of an order.
    Orders,
    /// One row a customer; every column that is no field becomes an attribute.
    Customers,
    /// One row an event of any other kind.
    Events,
    /// One row a product and the category it is filed under.
    Products,
    /// One row a touch of a past campaign.
    Touches,
}

impl Kind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Orders, Self::Customers, Self::Events, Self::Products, Self::Touches];

    /// The name used in commands and in source records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Customers => "customers",
            Self::Events => "events",
            Self::Products => "products",
            Self::Touches => "touches",
        }
    }

    pub(super) fn fields(self) -> &'static [Field] {
        match self {
            Self::Orders => ORDERS,
            Self::Customers => CUSTOMERS,
            Self::Events => EVENTS,
            Self::Products => PRODUCTS,
            Self::Touches => TOUCHES,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.iter().find(|kind| kind.name() == text).copied();
        named.ok_or_else(|| {
            format!("`{text}` is not one of `orders`, `customers`, `events`, `products`, `touches`")
        })
    }
}

/// A field of a kind.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) is_required: bool,
    /// Whether it may be a sum of columns.
    pub(super) is_money: bool,
    /// Columns that are taken for this field when it is not mapped, the likeliest first. Case, spaces and
    /// punctuation do not count.
    pub(super) aliases: &'static [&'static str],
}

const fn field(name: &'static str, aliases: &'static [&'static str]) -> Field {
    Field { name, is_required: false, is_money: false, aliases }
}

const fn required(field: Field) -> Field {
    Field { is_required: true, ..field }
}

const fn money(field: Field) -> Field {
    Field { is_money: true, ..field }
}

const CUSTOMER: Field = required(field(
    "customer",
    &["customer_id", "household_id", "household_key", "user_id", "member_id", "client_id"],
));

const TIME_ALIASES: &[&str] = &[
    "timestamp",
    "date",
    "datetime",
    "event_time",
    "order_date",
    "order_time",
    "transaction_timestamp",
    "transaction_date",
    "invoice_date",
    "created_at",
];

pub(super) const PRODUCT_ALIASES: &[&str] = &["product_id", "sku", "item_id", "stock_code"];
pub(super) const CATEGORY_ALIASES: &[&str] = &["product_category", "category_id"];
pub(super) const QUANTITY_ALIASES: &[&str] = &["qty", "units"];
pub(super) const GROSS_ALIASES: &[&str] =
    &["amount", "price", "sales_value", "revenue", "value", "total", "dollar_value", "order_value"];

const ORDERS: &[Field] = &[
    CUSTOMER,
    field("order", &["order_id", "basket_id", "invoice", "invoice_no", "invoice_id", "transaction_id"]),
    required(field("time", TIME_ALIASES)),
    field("known", &["known_time"]),
    field("product", PRODUCT_ALIASES),
    field("category", CATEGORY_ALIASES),
    field("quantity", QUANTITY_ALIASES),
    // Required too, unless the orders of an NDJSON file have `lines` with it: `plan` says so.
    money(field("gross", GROSS_ALIASES)),
    money(field("discount", &["discount_amount"])),
    field("channel", &["sales_channel", "order_channel"]),
    field("store", &["store_id", "shop_id"]),
    field("coupon", &["coupon_code"]),
    field("staff", &["staff_id", "employee_id"]),
    field("lines", &["items"]),
    // Written by exports: whether only the date is known, and which content of a corrected order a row is of.
    field("date_only", &[]),
    field("correction", &[]),
];

const CUSTOMERS: &[Field] = &[
    CUSTOMER,
    // No `date`: that is as likely a birthday.
    field("time", &["timestamp", "as_of", "updated_at"]),
    field("known", &["known_time"]),
    field("registered", &["registered_at", "registration_date", "signup_date", "joined_at"]),
];

const EVENTS: &[Field] = &[
    CUSTOMER,
    required(field("kind", &["event", "event_type", "event_kind"])),
    required(field("time", TIME_ALIASES)),
    field("known", &["known_time"]),
    field("id", &["event_id"]),
    field("subject", &[]),
    field("value", &["amount"]),
    field("about", &[]),
];

const PRODUCTS: &[Field] = &[
    required(field("product", PRODUCT_ALIASES)),
    required(field("category", CATEGORY_ALIASES)),
    field("time", &["filed_at", "valid_from", "since"]),
    field("known", &["known_time"]),
];

const TOUCHES: &[Field] = &[
    CUSTOMER,
    required(field("campaign", &["campaign_id", "campaign_name"])),
    required(field("time", &["timestamp", "date", "datetime", "event_time", "sent_at", "touch_time"])),
    field("known", &["known_time"]),
    field("id", &["touch_id", "event_id"]),
];
