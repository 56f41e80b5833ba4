//! The tables of the API reference agree with the service: its options, limits, codes and sizes.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::client::{Client, photo};
use crate::common;
use crate::server::{Server, cameo};

fn read(document: &str) -> String {
    fs::read_to_string(common::project().join(document)).unwrap()
}

/// The section of `text` below the heading `title`, up to the next heading.
fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("# {title}\n")).unwrap_or_else(|| panic!("no heading {title}"));
    rest.split("\n#").next().unwrap_or_default()
}

/// The cells of the table in `section`, without its head.
fn rows(section: &str) -> Vec<Vec<&str>> {
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// What stands between backticks in `text`, outside of code blocks.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2)).collect()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn both_languages_name_the_same_things() {
    let (english, chinese) = (read("docs/api.md"), read("docs/api.zh-CN.md"));
    assert!(quoted(&english).len() > 100);
    assert_eq!(quoted(&english), quoted(&chinese));
}

#[test]
fn the_defaults_of_the_limits_are_those_of_the_flags() {
    let help = String::from_utf8(cameo().args(["serve", "--help"]).output().unwrap().stdout).unwrap();
    let reference = read("docs/api.md");
    let rows = rows(section(&reference, "Limits"));
    assert_eq!(rows.len(), 17);
    for row in rows {
        let (default, flag) = (row[1].split(' ').next().unwrap(), row[2].trim_matches('`'));
        let about = help.split(&format!("{flag} <")).nth(1).unwrap_or_else(|| panic!("cameo serve has no {flag}"));
        let found = about.split("[default: ").nth(1).and_then(|rest| rest.split(']').next());
        assert_eq!(found, Some(default), "{flag}");
    }
}

#[test]
fn the_tables_of_the_reference_are_those_of_the_service() {
    let reference = read("docs/api.md");
    let server = Server::start(&[]);
    let ann = Client::new(&server);
    options_and_their_defaults(&ann, section(&reference, "Configs"));
    fields_of_a_status(&ann, section(&reference, "Status"));
    codes_of_errors(&ann, section(&reference, "Errors"));
    sizes_of_results(&ann);
    a_user_has_a_hundred_configs_at_most(&ann);
}

fn options_and_their_defaults(ann: &Client<'_>, section: &str) {
    let stored = ann.get("/api/v1/configs/default").json();
    let rows = rows(section);
    let documented: BTreeSet<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(documented, keys(&stored["options"]));
    for row in rows {
        let value = &stored["options"][row[0].trim_matches('`')];
        let default: Value = serde_json::from_str(row[1]).unwrap_or_else(|_| json!(row[1].trim_matches('`')));
        // As JSON, 0 and 0.0 differ.
        let same = *value == default || (value.is_number() && value.as_f64() == default.as_f64());
        assert!(same, "{}: {value} is documented as {default}", row[0]);
    }
}

fn fields_of_a_status(ann: &Client<'_>, section: &str) {
    let block = section.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let documented: Value = serde_json::from_str(block).unwrap();
    let id = ann.submit_accepted(&format!("/api/v1/upscale/combo?config_id={}", ann.quick_config()), &photo());
    let status = ann.wait_until_over(&id);
    assert_eq!(keys(&documented), keys(&status));
    assert_eq!(keys(&documented["foreground"]), keys(&status["foreground"]));
    // The example shows some of the stages.
    let stages = keys(&documented["stage_ms"]);
    assert!(stages.len() > 1 && stages.is_subset(&keys(&status["stage_ms"])), "{status}");
}

/// Every code of the OpenAPI document is in the table.
fn codes_of_errors(ann: &Client<'_>, section: &str) {
    let document = ann.get("/openapi.json").text();
    let is_code =
        |word: &&str| word.contains('_') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let documented = quoted(section);
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut count = 0;
    for operation in document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
        for (status, response) in operation["responses"].as_object().unwrap() {
            if status.as_str() < "400" {
                continue;
            }
            for code in quoted(response["description"].as_str().unwrap()).into_iter().filter(is_code) {
                assert!(documented.contains(code), "{code} is not in docs/api.md");
                count += 1;
            }
        }
    }
    assert!(count > 30, "the OpenAPI document names {count} codes");
}

fn sizes_of_results(ann: &Client<'_>) {
    for (parameters, width) in
        [("enhance_level=light", 768), ("enhance_level=strong", 1536), ("enhance_level=strong&scale=1.25", 640)]
    {
        let id = ann.submit_accepted(&format!("/api/v1/upscale?{parameters}"), &photo());
        assert_eq!(ann.wait_until_over(&id)["width"], width, "{parameters}");
    }
}

fn a_user_has_a_hundred_configs_at_most(ann: &Client<'_>) {
    let config = json!({"name": "one of many"});
    let answers: Vec<_> = (0..100).map(|_| ann.json("POST", "/api/v1/configs", &config)).collect();
    let last = answers.last().unwrap();
    assert!(answers.iter().any(|answer| answer.status == 201));
    assert_eq!(last.problem(), (400, "too_many_configs".into()));
}
