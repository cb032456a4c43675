//! Rows as CSV, for models: a third of the tokens of the same as JSON.

use serde_json::value::RawValue;

use super::row::Members;

/// Writes rows with a header; nested members become columns such as `day.c`, lists stay JSON.
pub(super) fn csv(rows: &[String]) -> String {
    let mut columns: Vec<String> = Vec::new();
    let cells: Vec<Vec<(String, String)>> = rows.iter().map(|row| flat(row)).collect();
    for (name, _) in cells.iter().flatten() {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let written = writer.write_record(&columns).and_then(|()| {
        cells.iter().try_for_each(|row| {
            let cell = |column: &String| row.iter().find(|(name, _)| name == column).map_or("", |(_, cell)| cell.as_str());
            writer.write_record(columns.iter().map(cell))
        })
    });
    written
        .ok()
        .and_then(|()| writer.into_inner().ok())
        .map_or_else(String::new, |csv| String::from_utf8_lossy(&csv).into_owned())
}

fn flat(row: &str) -> Vec<(String, String)> {
    let mut cells = Vec::new();
    if let Ok(raw) = serde_json::from_str::<&RawValue>(row) {
        flatten("", raw, &mut cells);
    }
    cells
}

fn flatten(prefix: &str, raw: &RawValue, cells: &mut Vec<(String, String)>) {
    if let Some(members) = Members::of(raw) {
        for (name, value) in &members.0 {
            let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            flatten(&name, value, cells);
        }
        return;
    }
    let cell = match raw.get() {
        "null" => String::new(),
        text => serde_json::from_str::<String>(text).map_or_else(|_| text.to_owned(), as_text),
    };
    cells.push((if prefix.is_empty() { "value" } else { prefix }.to_owned(), cell));
}

/// A spreadsheet takes text that begins like a formula for one, whoever wrote it; a headline must not run there. Numbers stay.
fn as_text(text: String) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    if is_formula { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_lines_with_a_column_for_each_member_that_any_has() {
        let rows = [r#"{"T":"A","day":{"c":1.50},"x":[1,2]}"#.to_owned(), r#"{"T":"B, \"Inc\"","n":null,"day":{}}"#.to_owned()];
        assert_eq!(csv(&rows), "T,day.c,x,n\nA,1.50,\"[1,2]\",\n\"B, \"\"Inc\"\"\",,,\n");
        assert_eq!(csv(&["7".to_owned()]), "value\n7\n");
        assert_eq!(csv(&[]), "\"\"\n");
    }

    #[test]
    fn text_that_a_spreadsheet_would_run_is_marked_as_text_and_numbers_are_not() {
        let rows = [r#"{"a":"=HYPERLINK(1)","b":"@x","c":"+cmd|","d":"-0.5","e":-0.5,"f":"\t=1","g":"A=B"}"#.to_owned()];
        assert_eq!(csv(&rows), "a,b,c,d,e,f,g\n'=HYPERLINK(1),'@x,'+cmd|,-0.5,-0.5,'\t=1,A=B\n");
    }
}
