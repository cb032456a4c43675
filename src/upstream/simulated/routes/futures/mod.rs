//! Futures: products and contracts, their bars, trades and quotes, when they are traded, and what they are doing. Every
//! path answers under `vX` and under `v1`.
//!
//! | room | the question it answers |
//! |---|---|
//! | `reference` | which products and contracts are there |
//! | `prices` | what was paid for a contract: bars, trades, quotes |
//! | `sessions` | when is a product traded, and what has a contract done today |

mod prices;
mod reference;
mod sessions;

use super::super::table::{Call, Filter, Object, Table, date, flag, nanos, text};

const CONTRACTS: &[Filter] =
    &[text("ticker"), text("product_code"), date("first_trade_date"), date("last_trade_date"), flag("active"), text("type")];
const PRODUCT: &[Filter] = &[
    text("product_code"),
    text("name"),
    text("trading_venue"),
    text("sector"),
    text("sub_sector"),
    text("asset_class"),
    text("asset_sub_class"),
    text("type"),
];
const SCHEDULES: &[Filter] = &[date("session_end_date"), text("trading_venue"), text("product_code")];
const STATUSES: &[Filter] = &[text("product_code"), text("trading_venue")];
const SNAPSHOTS: &[Filter] = &[text("ticker"), text("product_code")];

pub(super) const TABLES: &[Table] = &[
    Table::new("/futures/{version:vX|v1}/aggs/{ticker}", prices::bars)
        .filters(&[nanos("window_start")])
        .sorts(&["window_start"])
        .newest_first()
        .limit(1_000, 50_000)
        .sparse(),
    Table::new("/futures/{version:vX|v1}/contracts", reference::contracts)
        .filters(CONTRACTS)
        .sorts(&["product_code", "ticker", "first_trade_date", "last_trade_date", "type", "active"])
        .limit(100, 1_000)
        .sparse(),
    Table::new("/futures/{version:vX|v1}/products", reference::products)
        .filters(PRODUCT)
        .sorts(&["product_code", "name", "trading_venue", "asset_class", "sector", "sub_sector"])
        .limit(100, 50_000)
        .sparse(),
    Table::new("/futures/{version:vX|v1}/schedules", sessions::schedules)
        .filters(SCHEDULES)
        .sorts(&["product_code", "session_end_date", "trading_venue"])
        .limit(10, 1_000)
        .sparse(),
    Table::new("/futures/{version:vX|v1}/products/{product_code}/schedules", sessions::schedules)
        .filters(SCHEDULES)
        .sorts(&["session_end_date"])
        .limit(10, 1_000)
        .sparse(),
    Table::new("/futures/{version:vX|v1}/market-status", sessions::statuses)
        .filters(STATUSES)
        .sorts(&["product_code", "trading_venue"])
        .limit(100, 50_000)
        .sparse(),
    Table::new("/futures/{version:vX|v1}/snapshot", sessions::snapshots)
        .filters(SNAPSHOTS)
        .sorts(&["ticker", "product_code"])
        .limit(100, 50_000)
        .dressed(sessions::dress)
        .sparse(),
    Table::new("/futures/{version:vX|v1}/exchanges", sessions::exchanges).sorts(&["id"]).limit(100, 1_000),
];
pub(super) const OBJECTS: &[Object] = &[
    Object::new("/futures/{version:vX|v1}/contracts/{ticker}", reference::one_contract),
    Object::new("/futures/{version:vX|v1}/products/{product_code}", reference::one_product),
    Object::new("/futures/{version:vX|v1}/trades/{ticker}", prices::trades),
    Object::new("/futures/{version:vX|v1}/quotes/{ticker}", prices::quotes),
];

/// Chooses between the names that a field has under `vX` and under `v1`.
fn in_version(call: &Call<'_>, older: &'static str, newer: &'static str) -> &'static str {
    if call.segment("version") == "vX" { older } else { newer }
}
