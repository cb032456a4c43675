//! What companies report: four statements a quarter, a year, and for the twelve months that end with a quarter. Sums add up.

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::super::answer::Refusal;
use super::super::market::calendar::{date_of_number, day_number};
use super::super::market::universe::Instrument;
use super::super::noise::{Dice, rounded};
use super::super::parameters::NEXT_URL_BASE;
use super::super::table::{Call, Filter, Table, date, text};
use super::tickers::{SIC_CODE, cik, shares};

const FILTERS: &[Filter] = &[
    text("ticker").at("tickers"),
    text("cik"),
    text("company_name"),
    text("sic"),
    date("filing_date"),
    date("period_of_report_date").at("end_date"),
    text("timeframe"),
];

pub(super) const TABLES: &[Table] = &[Table::new("/vX/reference/financials", reports)
    .filters(FILTERS)
    .sorts(&["filing_date", "end_date"])
    .newest_first()
    .limit(10, 100)
    .dressed(dress)];

/// How many quarters are on record.
const QUARTERS: i64 = 12;

/// The quarter of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quarter(i64);

impl Quarter {
    pub(super) fn of(date: Date) -> Self {
        Self(i64::from(date.year()) * 4 + (i64::from(date.month()) - 1) / 3)
    }

    pub(super) fn back(self, quarters: i64) -> Self {
        Self(self.0 - quarters)
    }

    pub(super) fn number(self) -> i64 {
        self.0
    }

    pub(super) fn year(self) -> i64 {
        self.0.div_euclid(4)
    }

    pub(super) fn name(self) -> String {
        format!("Q{}", self.0.rem_euclid(4) + 1)
    }

    fn first_day(self) -> Date {
        let month = self.0.rem_euclid(4) as i8 * 3 + 1;
        Date::new(self.year() as i16, month, 1).expect("every quarter has a first day in a year of the calendar")
    }

    pub(super) fn last_day(self) -> Date {
        date_of_number(day_number(self.back(-1).first_day()) - 1)
    }
}

/// The figures that all others follow from, of one quarter or the sum of several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    pub(super) revenues: f64,
    costs: f64,
    operating: f64,
    taxes: f64,
    shares: f64,
    assets: f64,
    liabilities: f64,
}

impl Figures {
    pub(super) fn of(stock: &Instrument, quarter: Quarter) -> Self {
        let company = Dice(stock.key).of(&[0x6669_6e61]);
        let dice = company.of(&[quarter.number() as u64]);
        let shares = shares(stock) as f64;
        let worth = shares * stock.base_price;
        let trend = 1.0 + 0.01 * (quarter.number() - 8_100) as f64;
        let revenues = rounded(worth * company.between(1, 0.03, 0.12) * trend * dice.between(2, 0.93, 1.07), 0);
        let costs = rounded(revenues * company.between(3, 0.35, 0.7), 0);
        let operating = rounded(revenues * company.between(4, 0.1, 0.35) * dice.between(5, 0.8, 1.2), 0);
        let before_tax = revenues - costs - operating;
        let assets = rounded(worth * company.between(6, 0.3, 0.9), 0);
        Self {
            revenues,
            costs,
            operating,
            taxes: rounded(before_tax.max(0.0) * 0.21, 0),
            shares,
            assets,
            liabilities: rounded(assets * company.between(7, 0.3, 0.8), 0),
        }
    }

    fn plus(self, later: Self) -> Self {
        Self {
            revenues: self.revenues + later.revenues,
            costs: self.costs + later.costs,
            operating: self.operating + later.operating,
            taxes: self.taxes + later.taxes,
            ..later
        }
    }

    fn net_income(&self) -> f64 {
        self.revenues - self.costs - self.operating - self.taxes
    }

    pub(super) fn earnings_per_share(&self) -> f64 {
        self.net_income() / self.shares
    }
}

/// Lists the reports by what they can be asked for; [`dress`] adds the statements when the page is cut.
fn reports(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let timeframe = call.parameters.text("timeframe");
    if timeframe.is_some_and(|timeframe| !["annual", "quarterly", "ttm"].contains(&timeframe)) {
        return Err(Refusal::BadParameter("timeframe must be one of annual, quarterly, ttm".to_owned()));
    }
    call.parameters.flag("include_sources", false)?;
    let today = call.today();
    let companies = call.companies().filter(|stock| call.wanted.admits("tickers", &stock.ticker.as_str().into()));
    let rows = companies.flat_map(|stock| {
        let quarters = (1..=QUARTERS).map(move |back| Quarter::of(today).back(back));
        quarters.flat_map(move |quarter| {
            let filed =
                date_of_number(day_number(quarter.last_day()) + 25 + Dice(stock.key).below(quarter.number() as u64, 20) as i64);
            let is_year = quarter.number().rem_euclid(4) == 3;
            let kinds = [("quarterly", 1, true), ("ttm", 4, true), ("annual", 4, is_year)];
            let due = kinds.into_iter().filter(move |&(_, _, due)| due && filed <= today);
            due.map(move |(timeframe, length, _)| head(stock, quarter, filed, (timeframe, length)))
        })
    });
    Ok(rows.collect())
}

fn head(stock: &Instrument, quarter: Quarter, filed: Date, (timeframe, length): (&str, i64)) -> Value {
    let period = match timeframe {
        "annual" => "FY".to_owned(),
        "ttm" => "TTM".to_owned(),
        _ => quarter.name(),
    };
    let mut row = json!({
        "tickers": [stock.ticker],
        "cik": cik(stock),
        "sic": SIC_CODE,
        "company_name": stock.name,
        "timeframe": timeframe,
        "fiscal_period": period,
        "start_date": quarter.back(length - 1).first_day().to_string(),
        "end_date": quarter.last_day().to_string(),
        "filing_date": filed.to_string(),
    });
    // The sum of twelve months is no filing, and belongs to no one fiscal year.
    if timeframe != "ttm" {
        let filing = format!("{}-{:02}-{:06}", cik(stock), quarter.year() % 100, quarter.number());
        row["fiscal_year"] = quarter.year().to_string().into();
        row["acceptance_datetime"] = format!("{filed}T21:05:00Z").into();
        row["source_filing_url"] = format!("{NEXT_URL_BASE}/v1/reference/sec/filings/{filing}").into();
        row["source_filing_file_url"] = format!("{NEXT_URL_BASE}/v1/reference/sec/filings/{filing}/files/report.xml").into();
    }
    row
}

fn dress(call: &Call<'_>, row: &mut Value) {
    let stock = row["tickers"][0].as_str().and_then(|ticker| call.view.exchange.universe.find(ticker));
    let end = row["end_date"].as_str().and_then(|date| date.parse::<Date>().ok());
    let (Some(stock), Some(end)) = (stock, end) else { return };
    let length = if row["timeframe"] == "quarterly" { 1 } else { 4 };
    let quarters = (0..length).rev().map(|back| Figures::of(stock, Quarter::of(end).back(back)));
    if let Some(figures) = quarters.reduce(Figures::plus) {
        row["financials"] = statements(&figures);
    }
}

/// Writes a statement of (field, label, value) in the order they are listed.
fn statement(lines: &[(&str, &str, f64)]) -> Value {
    let points = lines.iter().zip(1..).map(|(&(field, label, value), order)| {
        let unit = if field.ends_with("per_share") {
            "USD / shares"
        } else if field.ends_with("shares") {
            "shares"
        } else {
            "USD"
        };
        (field.to_owned(), json!({"label": label, "value": value, "unit": unit, "order": order * 100}))
    });
    Value::Object(points.collect::<Map<_, _>>())
}

fn statements(figures: &Figures) -> Value {
    let Figures { revenues, costs, operating, taxes, shares, assets, liabilities } = *figures;
    let net = figures.net_income();
    let equity = assets - liabilities;
    let per_share = rounded(figures.earnings_per_share(), 2);
    let current = rounded(assets * 0.4, 0);
    let invested = -rounded(revenues * 0.08, 0);
    let financed = -rounded(revenues * 0.05, 0);
    json!({
        "balance_sheet": statement(&[
            ("assets", "Assets", assets),
            ("current_assets", "Current Assets", current),
            ("noncurrent_assets", "Noncurrent Assets", assets - current),
            ("liabilities", "Liabilities", liabilities),
            ("equity", "Equity", equity),
            ("equity_attributable_to_parent", "Equity Attributable To Parent", equity),
            ("liabilities_and_equity", "Liabilities And Equity", assets),
        ]),
        "income_statement": statement(&[
            ("revenues", "Revenues", revenues),
            ("cost_of_revenue", "Cost Of Revenue", costs),
            ("gross_profit", "Gross Profit", revenues - costs),
            ("operating_expenses", "Operating Expenses", operating),
            ("operating_income_loss", "Operating Income/Loss", revenues - costs - operating),
            ("income_tax_expense_benefit", "Income Tax Expense/Benefit", taxes),
            ("net_income_loss", "Net Income/Loss", net),
            ("basic_earnings_per_share", "Basic Earnings Per Share", per_share),
            ("diluted_earnings_per_share", "Diluted Earnings Per Share", per_share),
            ("basic_average_shares", "Basic Average Shares", shares),
        ]),
        "cash_flow_statement": statement(&[
            ("net_cash_flow_from_operating_activities", "Net Cash Flow From Operating Activities", net),
            ("net_cash_flow_from_investing_activities", "Net Cash Flow From Investing Activities", invested),
            ("net_cash_flow_from_financing_activities", "Net Cash Flow From Financing Activities", financed),
            ("net_cash_flow", "Net Cash Flow", net + invested + financed),
        ]),
        "comprehensive_income": statement(&[
            ("comprehensive_income_loss", "Comprehensive Income/Loss", net),
            ("comprehensive_income_loss_attributable_to_parent", "Comprehensive Income/Loss Attributable To Parent", net),
            ("other_comprehensive_income_loss", "Other Comprehensive Income/Loss", 0.0),
        ]),
    })
}
