//! Every endpoint that the gateway offers answers over HTTP with 200 and the shape of its kind.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::Value;

use super::http::{market, send_to, wired, with_key};

/// Which shape an endpoint answers in.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// `results` is a list that is not empty.
    List,
    /// `results` is an object.
    Object,
    /// The named field holds the data.
    Field(&'static str),
    /// A bare array.
    Array,
}

use Shape::{Array, Field, List, Object};

/// The endpoints by the classic tool, or the newer one, that asks them. A contract of December 2027 is on the list until then.
pub(super) const ENDPOINTS: &[(&str, &str, Shape)] = &[
    ("get_aggs", "/v2/aggs/ticker/AAPL/range/1/day/2026-11-02/2026-11-20", List),
    ("list_aggs", "/v2/aggs/ticker/AAPL/range/5/minute/2026-11-20/2026-11-20?limit=50", List),
    ("get_grouped_daily_aggs", "/v2/aggs/grouped/locale/us/market/stocks/2026-11-20", List),
    ("get_daily_open_close_agg", "/v1/open-close/AAPL/2026-11-20", Field("close")),
    ("get_previous_close_agg", "/v2/aggs/ticker/AAPL/prev", List),
    ("list_trades", "/v3/trades/AAPL", List),
    ("get_last_trade", "/v2/last/trade/AAPL", Object),
    ("get_last_crypto_trade", "/v1/last/crypto/BTC/USD", Field("last")),
    ("list_quotes", "/v3/quotes/AAPL", List),
    ("get_last_quote", "/v2/last/nbbo/AAPL", Object),
    ("get_last_forex_quote", "/v1/last_quote/currencies/EUR/USD", Field("last")),
    ("get_real_time_currency_conversion", "/v1/conversion/EUR/USD?amount=100&precision=2", Field("converted")),
    ("list_universal_snapshots", "/v3/snapshot?ticker.any_of=AAPL,X:BTCUSD,C:EURUSD,I:SPX,O:AAPL271217C00240000", List),
    ("get_snapshot_all", "/v2/snapshot/locale/us/markets/stocks/tickers", Field("tickers")),
    ("get_snapshot_direction", "/v2/snapshot/locale/us/markets/stocks/gainers", Field("tickers")),
    ("get_snapshot_ticker", "/v2/snapshot/locale/us/markets/stocks/tickers/AAPL", Field("ticker")),
    ("get_snapshot_option", "/v3/snapshot/options/AAPL/O:AAPL271217C00240000", Object),
    ("get_snapshot_crypto_book", "/v2/snapshot/locale/global/markets/crypto/tickers/X:BTCUSD/book", Field("data")),
    ("get_market_holidays", "/v1/marketstatus/upcoming", Array),
    ("get_market_status", "/v1/marketstatus/now", Field("market")),
    ("list_tickers", "/v3/reference/tickers?search=apple", List),
    ("get_ticker_details", "/v3/reference/tickers/AAPL", Object),
    ("list_ticker_news", "/v2/reference/news?ticker=TSLA", List),
    ("get_ticker_types", "/v3/reference/tickers/types?asset_class=stocks", List),
    ("list_splits", "/v3/reference/splits?ticker=AAPL", List),
    ("list_dividends", "/v3/reference/dividends?ticker=AAPL", List),
    ("list_conditions", "/v3/reference/conditions?asset_class=stocks", List),
    ("get_exchanges", "/v3/reference/exchanges?asset_class=stocks", List),
    ("list_stock_financials", "/vX/reference/financials?ticker=AAPL&timeframe=quarterly", List),
    ("list_ipos", "/vX/reference/ipos?ipo_status=history", List),
    ("list_short_interest", "/stocks/v1/short-interest?ticker=AAPL", List),
    ("list_short_volume", "/stocks/v1/short-volume?ticker=AAPL", List),
    ("list_treasury_yields", "/fed/v1/treasury-yields?date.gte=2026-01-01", List),
    ("list_inflation", "/fed/v1/inflation?sort=date.desc", List),
    ("list_benzinga_analyst_insights", "/benzinga/v1/analyst-insights?ticker=AAPL", List),
    ("list_benzinga_analysts", "/benzinga/v1/analysts", List),
    ("list_benzinga_consensus_ratings", "/benzinga/v1/consensus-ratings/AAPL", List),
    ("list_benzinga_earnings", "/benzinga/v1/earnings?ticker=AAPL", List),
    ("list_benzinga_firms", "/benzinga/v1/firms", List),
    ("list_benzinga_guidance", "/benzinga/v1/guidance?ticker=AAPL", List),
    ("list_benzinga_news", "/benzinga/v1/news?tickers.any_of=AAPL,TSLA", List),
    ("list_benzinga_news (v2)", "/benzinga/v2/news?limit=5", List),
    ("list_benzinga_ratings", "/benzinga/v1/ratings?ticker=AAPL", List),
    ("list_futures_aggregates", "/futures/vX/aggs/ESZ7?resolution=1session&limit=20", List),
    ("list_futures_contracts", "/futures/vX/contracts?product_code=ES", List),
    ("get_futures_contract_details", "/futures/vX/contracts/ESZ7", Object),
    ("list_futures_products", "/futures/vX/products?sector=energy", List),
    ("get_futures_product_details", "/futures/vX/products/ES", Object),
    ("list_futures_quotes", "/futures/vX/quotes/ESZ7?limit=10", List),
    ("list_futures_trades", "/futures/vX/trades/ESZ7?limit=10", List),
    ("list_futures_schedules", "/futures/vX/schedules", List),
    ("list_futures_schedules_by_product_code", "/futures/vX/products/ES/schedules", List),
    ("list_futures_market_statuses", "/futures/vX/market-status?product_code.any_of=ES,CL", List),
    ("get_futures_snapshot", "/futures/vX/snapshot?product_code=ES", List),
    ("list_futures_exchanges", "/futures/v1/exchanges", List),
    ("get_sma", "/v1/indicators/sma/AAPL?window=20", Object),
    ("get_ema", "/v1/indicators/ema/AAPL?window=10&timespan=hour", Object),
    ("get_rsi", "/v1/indicators/rsi/X:BTCUSD", Object),
    ("get_macd", "/v1/indicators/macd/AAPL?expand_underlying=true", Object),
    ("list_snapshot_options_chain", "/v3/snapshot/options/AAPL", List),
    ("list_options_contracts", "/v3/reference/options/contracts?underlying_ticker=AAPL", List),
    ("get_options_contract", "/v3/reference/options/contracts/O:AAPL271217C00240000", Object),
    ("get_related_companies", "/v1/related-companies/AAPL", List),
    ("get_ticker_events", "/vX/reference/tickers/META/events?types=ticker_change", Object),
    ("get_snapshot_indices", "/v3/snapshot/indices?ticker.any_of=I:SPX", List),
    ("get_summaries", "/v1/summaries?ticker.any_of=AAPL,X:BTCUSD", List),
];

fn assert_shape(body: &Value, shape: Shape, path: &str) {
    let good = match shape {
        List => body["results"].as_array().is_some_and(|rows| !rows.is_empty() && rows.iter().all(Value::is_object)),
        Object => body["results"].as_object().is_some_and(|fields| !fields.is_empty()),
        Field(name) => body.get(name).is_some_and(|value| !value.is_null()),
        Array => body.as_array().is_some_and(|rows| !rows.is_empty()),
    };
    assert!(good, "{path}: {body}");
    // The status and the holidays are the two without an envelope.
    if !path.starts_with("/v1/marketstatus/") {
        assert!(body["request_id"].is_string() && ["OK", "success"].contains(&body["status"].as_str().unwrap()), "{path}");
    }
}

#[actix_web::test]
async fn every_endpoint_answers_in_its_shape() {
    let service = wired!(market());
    for &(tool, path, shape) in ENDPOINTS {
        let reply = send_to!(service, with_key(path));
        assert_eq!(reply.status, StatusCode::OK, "{tool} {path}: {}", reply.json());
        assert_shape(&reply.json(), shape, path);
        if path.starts_with("/futures/vX") {
            let newer = path.replace("/vX/", "/v1/");
            assert_eq!(send_to!(service, with_key(&newer)).status, StatusCode::OK, "{newer}");
        }
    }
}

#[actix_web::test]
async fn what_does_not_exist_is_not_found_or_an_empty_list() {
    let service = wired!(market());
    for path in [
        "/v1/open-close/NOSUCH/2026-11-20",
        "/v2/last/nbbo/NOSUCH",
        "/v1/last/crypto/NO/SUCH",
        "/v1/last_quote/currencies/NO/SUCH",
        "/v1/conversion/NO/SUCH",
        "/v2/snapshot/locale/global/markets/crypto/tickers/X:NOSUCH/book",
        "/v3/snapshot/options/AAPL/O:AAPL271217C00000001",
        "/v3/snapshot/options/TSLA/O:AAPL271217C00240000",
        "/v3/reference/options/contracts/O:NOSUCH271217C00240000",
        "/v1/related-companies/NOSUCH",
        "/vX/reference/tickers/NOSUCH/events",
        "/futures/vX/contracts/NOSUCH",
        "/futures/vX/products/NOSUCH",
        "/futures/vX/products/NOSUCH/schedules",
    ] {
        let reply = send_to!(service, with_key(path));
        let body = reply.json();
        assert_eq!((reply.status, body["status"].as_str()), (StatusCode::NOT_FOUND, Some("NOT_FOUND")), "{path}");
        assert!(body["message"].is_string(), "{path}");
    }
    for path in [
        "/v3/trades/NOSUCH",
        "/v3/quotes/I:SPX",
        "/v3/reference/dividends?ticker=NOSUCH",
        "/v3/snapshot/options/NOSUCH",
        "/v3/reference/options/contracts?underlying_ticker=NOSUCH",
    ] {
        assert_eq!(send_to!(service, with_key(path)).json()["results"], serde_json::json!([]), "{path}");
    }
    for path in [
        "/v2/aggs/grouped/locale/us/market/stocks/2099-01-05",
        "/benzinga/v1/ratings?ticker=NOSUCH",
        "/benzinga/v1/consensus-ratings/SPY",
        "/futures/vX/aggs/NOSUCH",
        "/futures/vX/trades/NOSUCH",
        "/stocks/v1/short-interest?ticker=NOSUCH",
        "/fed/v1/inflation?date.gt=2099-01-01",
    ] {
        let reply = send_to!(service, with_key(path));
        assert!(reply.status == StatusCode::OK && reply.json().get("results").is_none(), "{path}: {}", reply.json());
    }
}

#[actix_web::test]
async fn faults_and_keys_reach_every_kind_of_route() {
    let state = market();
    let service = wired!(state);
    let paths = ["/fed/v1/inflation", "/v3/trades/AAPL", "/v1/conversion/EUR/USD", "/futures/vX/snapshot"];
    for path in paths {
        state.controls.set_faults("500:1".parse().unwrap());
        assert_eq!(send_to!(service, with_key(path)).status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        state.controls.set_faults("noresults:1".parse().unwrap());
        let body = send_to!(service, with_key(path)).json();
        assert!(body.get("results").is_none() && body.get("last").is_none() && body.is_object(), "{path}");
        state.controls.set_faults("wrongtype:1".parse().unwrap());
        let body = send_to!(service, with_key(path)).json();
        assert!(body["results"].is_string() || body["last"].is_string(), "{path}: {body}");
        state.controls.set_faults(super::Faults::default());
    }
    for (path, status) in [
        ("/v3/snapshot?ticker.any_of=AAPL&apiKey=bad-key", StatusCode::UNAUTHORIZED),
        ("/fed/v1/inflation?apiKey=bad-key", StatusCode::UNAUTHORIZED),
        ("/fed/v1/inflation", StatusCode::UNAUTHORIZED),
        ("/v3/snapshot?ticker.any_of=AAPL&apiKey=free-key", StatusCode::FORBIDDEN),
        ("/v3/reference/exchanges?apiKey=free-key", StatusCode::OK),
    ] {
        assert_eq!(send_to!(service, TestRequest::get().uri(path)).status, status, "{path}");
    }
}
