//! The codes that other answers use: types of tickers, conditions of trades and quotes, exchanges.

use serde_json::{Value, json};

use super::super::answer::Refusal;
use super::super::table::{Call, Filter, Table, number, text};

const TYPES: &[Filter] = &[text("asset_class"), text("locale")];
const CONDITIONS: &[Filter] = &[text("asset_class"), text("data_type").at("data_types"), number("id")];

pub(super) const TABLES: &[Table] = &[
    Table::new("/v3/reference/tickers/types", types).filters(TYPES).limit(1_000, 1_000).counted(),
    Table::new("/v3/reference/conditions", conditions)
        .filters(CONDITIONS)
        .sorts(&["asset_class", "id", "type", "name", "data_types", "legacy"])
        .counted(),
    Table::new("/v3/reference/exchanges", exchanges).filters(TYPES).limit(1_000, 1_000).counted(),
];

/// (code, description, asset class)
const TYPE_CODES: &[(&str, &str, &str)] = &[
    ("CS", "Common Stock", "stocks"),
    ("PFD", "Preferred Stock", "stocks"),
    ("WARRANT", "Warrant", "stocks"),
    ("RIGHT", "Rights", "stocks"),
    ("BOND", "Corporate Bond", "stocks"),
    ("ETF", "Exchange Traded Fund", "stocks"),
    ("ETN", "Exchange Traded Note", "stocks"),
    ("ETV", "Exchange Traded Vehicle", "stocks"),
    ("SP", "Structured Product", "stocks"),
    ("ADRC", "American Depository Receipt Common", "stocks"),
    ("ADRP", "American Depository Receipt Preferred", "stocks"),
    ("ADRW", "American Depository Receipt Warrants", "stocks"),
    ("ADRR", "American Depository Receipt Rights", "stocks"),
    ("FUND", "Fund", "stocks"),
    ("BASKET", "Basket", "stocks"),
    ("UNIT", "Unit", "stocks"),
    ("LT", "Liquidating Trust", "stocks"),
    ("OS", "Ordinary Shares", "stocks"),
    ("GDR", "Global Depository Receipts", "stocks"),
    ("OTHER", "Other Security Type", "stocks"),
    ("NYRS", "New York Registry Shares", "stocks"),
    ("AGEN", "Agency Bond", "stocks"),
    ("EQLK", "Equity Linked Bond", "stocks"),
    ("ETS", "Single-security ETF", "stocks"),
    ("IX", "Index", "indices"),
];

fn types(_call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let row = |&(code, description, class): &(&str, &str, &str)| json!({"code": code, "description": description, "asset_class": class, "locale": "us"});
    Ok(TYPE_CODES.iter().map(row).collect())
}

/// What a condition is called by each of those who report it.
struct Condition {
    id: u32,
    name: &'static str,
    class: &'static str,
    kind: &'static str,
    data: &'static str,
    /// (the reporting plan, its letter)
    sips: &'static [(&'static str, &'static str)],
    /// Whether such a trade moves the high and low, the open and close, the volume.
    updates: (bool, bool, bool),
}

const fn sale(
    id: u32,
    name: &'static str,
    sips: &'static [(&'static str, &'static str)],
    updates: (bool, bool, bool),
) -> Condition {
    Condition { id, name, class: "stocks", kind: "sale_condition", data: "trade", sips, updates }
}

const CONDITION_CODES: &[Condition] = &[
    sale(1, "Acquisition", &[("UTP", "A")], (true, true, true)),
    sale(2, "Average Price Trade", &[("CTA", "B"), ("UTP", "W")], (false, false, true)),
    sale(3, "Automatic Execution", &[("CTA", "E")], (true, true, true)),
    sale(4, "Bunched Trade", &[("UTP", "B")], (true, true, true)),
    sale(5, "Bunched Sold Trade", &[("UTP", "G")], (true, false, true)),
    sale(7, "Cash Sale", &[("CTA", "C"), ("UTP", "C")], (false, false, true)),
    sale(8, "Closing Prints", &[("UTP", "6")], (true, true, true)),
    sale(9, "Cross Trade", &[("CTA", "X"), ("UTP", "X")], (true, true, true)),
    sale(10, "Derivatively Priced", &[("CTA", "4"), ("UTP", "4")], (true, false, true)),
    sale(12, "Form T/Extended Hours", &[("CTA", "T"), ("UTP", "T")], (false, false, true)),
    sale(14, "Intermarket Sweep", &[("CTA", "F"), ("UTP", "F")], (true, true, true)),
    sale(16, "Market Center Official Open", &[("CTA", "Q"), ("UTP", "Q")], (true, true, false)),
    sale(37, "Odd Lot Trade", &[("CTA", "I"), ("UTP", "I")], (false, false, true)),
    sale(41, "Trade Thru Exempt", &[("CTA", "X"), ("UTP", "X")], (true, true, true)),
    Condition {
        id: 1,
        name: "Regular, Two-Sided Open",
        class: "stocks",
        kind: "quote_condition",
        data: "nbbo",
        sips: &[("CTA", "A"), ("UTP", "R")],
        updates: (false, false, false),
    },
    Condition {
        id: 209,
        name: "Automatic Execution",
        class: "options",
        kind: "sale_condition",
        data: "trade",
        sips: &[("OPRA", "I")],
        updates: (true, true, true),
    },
    Condition {
        id: 1,
        name: "Buy Side",
        class: "crypto",
        kind: "sale_condition",
        data: "trade",
        sips: &[],
        updates: (true, true, true),
    },
    Condition {
        id: 2,
        name: "Sell Side",
        class: "crypto",
        kind: "sale_condition",
        data: "trade",
        sips: &[],
        updates: (true, true, true),
    },
    Condition {
        id: 1,
        name: "Regular",
        class: "fx",
        kind: "quote_condition",
        data: "bbo",
        sips: &[],
        updates: (true, true, true),
    },
];

fn conditions(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let sip = call.parameters.text("sip");
    if sip.is_some_and(|sip| !["CTA", "UTP", "OPRA"].contains(&sip)) {
        return Err(Refusal::BadParameter("sip must be one of CTA, UTP, OPRA".to_owned()));
    }
    let chosen =
        CONDITION_CODES.iter().filter(|condition| sip.is_none_or(|sip| condition.sips.iter().any(|&(name, _)| name == sip)));
    let rows = chosen.map(|condition| {
        let (high_low, open_close, volume) = condition.updates;
        let rules = json!({"updates_high_low": high_low, "updates_open_close": open_close, "updates_volume": volume});
        let sips: serde_json::Map<String, Value> =
            condition.sips.iter().map(|&(name, letter)| (name.to_owned(), letter.into())).collect();
        let mut row = json!({
            "id": condition.id,
            "type": condition.kind,
            "name": condition.name,
            "asset_class": condition.class,
            "sip_mapping": sips,
            "data_types": [condition.data],
        });
        if condition.data == "trade" {
            row["update_rules"] = json!({"consolidated": rules, "market_center": rules});
        }
        row
    });
    Ok(rows.collect())
}

/// (id, type, asset class, locale, name, MIC, MIC of its operator, letter; the last three may be empty)
type Venue = (u32, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const VENUES: &[Venue] = &[
    (1, "exchange", "stocks", "us", "NYSE American, LLC", "XASE", "XNYS", "A"),
    (2, "exchange", "stocks", "us", "Nasdaq OMX BX, Inc.", "XBOS", "XNAS", "B"),
    (3, "exchange", "stocks", "us", "NYSE National, Inc.", "XCIS", "XNYS", "C"),
    (4, "TRF", "stocks", "us", "FINRA NYSE TRF", "FINY", "XNYS", "D"),
    // As upstream: several facilities share one id.
    (4, "TRF", "stocks", "us", "FINRA Nasdaq TRF Carteret", "FINN", "FINR", "D"),
    (4, "TRF", "stocks", "us", "FINRA Nasdaq TRF Chicago", "FINC", "FINR", "D"),
    (5, "SIP", "stocks", "us", "Unlisted Trading Privileges", "", "XNAS", "E"),
    (7, "exchange", "stocks", "us", "Cboe EDGA", "EDGA", "XCBO", "J"),
    (8, "exchange", "stocks", "us", "Cboe EDGX", "EDGX", "XCBO", "K"),
    (9, "exchange", "stocks", "us", "NYSE Chicago, Inc.", "XCHI", "XNYS", "M"),
    (10, "exchange", "stocks", "us", "New York Stock Exchange", "XNYS", "XNYS", "N"),
    (11, "exchange", "stocks", "us", "NYSE Arca, Inc.", "ARCX", "XNYS", "P"),
    (12, "exchange", "stocks", "us", "Nasdaq", "XNAS", "XNAS", "T"),
    (13, "SIP", "stocks", "us", "Consolidated Tape Association", "", "XNYS", "S"),
    (15, "exchange", "stocks", "us", "Investors Exchange", "IEXG", "IEXG", "V"),
    (18, "exchange", "stocks", "us", "Cboe BYX", "BATY", "XCBO", "Y"),
    (19, "exchange", "stocks", "us", "Cboe BZX", "BATS", "XCBO", "Z"),
    (20, "exchange", "stocks", "us", "MIAX Pearl", "EPRL", "MIHI", "H"),
    (21, "exchange", "stocks", "us", "Members Exchange", "MEMX", "MEMX", "U"),
    (302, "exchange", "options", "us", "Cboe BZX Options", "BATO", "XCBO", "Z"),
    (316, "exchange", "options", "us", "Cboe Options Exchange", "XCBO", "XCBO", "C"),
    (1, "exchange", "crypto", "global", "Coinbase", "", "", ""),
    (6, "exchange", "crypto", "global", "Bitstamp", "", "", ""),
    (23, "exchange", "crypto", "global", "Kraken", "", "", ""),
    (48, "exchange", "fx", "global", "Currency Banks 1", "", "", ""),
];

fn exchanges(_call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let row = |&(id, kind, class, locale, name, mic, operator, letter): &Venue| {
        let mut row = json!({"id": id, "type": kind, "asset_class": class, "locale": locale, "name": name});
        let optional = [("mic", mic), ("operating_mic", operator), ("participant_id", letter)];
        for (field, value) in optional.into_iter().filter(|(_, value)| !value.is_empty()) {
            row[field] = value.into();
        }
        row["url"] = format!("https://venue-{id}.example.com").into();
        row
    };
    Ok(VENUES.iter().map(row).collect())
}
