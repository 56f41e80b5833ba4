//! The examples in the documents run as they are printed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common;
use crate::server::{Server, photo};

const DOCUMENTS: [&str; 4] = ["README.md", "README.zh-CN.md", "docs/api.md", "docs/api.zh-CN.md"];

/// The blocks of code in `language` that talk to the server.
fn examples(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks.filter(|block| block.contains("/api/v1/login")).map(str::to_string).collect()
}

#[test]
fn the_examples_run_as_printed() {
    let server = Server::start(&["--demo"]);
    assert_eq!(server.port, 8000);
    let mut seen = (0, 0);
    for document in DOCUMENTS {
        let text = fs::read_to_string(common::project().join(document)).unwrap();
        for example in examples(&text, "python") {
            seen.0 += 1;
            run(document, |folder| {
                fs::write(folder.join("example.py"), &example).unwrap();
                let mut command = Command::new(common::python());
                command.arg("example.py");
                vec![command]
            });
        }
        for example in examples(&text, "bash") {
            seen.1 += 1;
            // Who pastes the steps waits before the last one, as the text says.
            let wait = "until curl -s \"http://localhost:8000/api/v1/upscale/status/$TASK_ID?token=$TOKEN\" \
                | grep -q '\"completed\"'; do sleep 0.2; done\n";
            let steps = match example.contains("completed") {
                true => example.clone(),
                false => example.replace("# 4. ", &format!("{wait}# 4. ")),
            };
            run(document, |_| {
                let mut command = Command::new("bash");
                command.args(["-euo", "pipefail", "-c", &steps]);
                vec![command]
            });
        }
    }
    assert!(seen.0 >= 4 && seen.1 >= 4, "each document has an example in each language: {seen:?}");
}

/// Runs an example beside `portrait.jpg`, and looks at the picture it makes.
fn run(document: &str, commands: impl Fn(&Path) -> Vec<Command>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("portrait.jpg"), photo()).unwrap();
    for mut command in commands(folder.path()) {
        let output = command.current_dir(folder.path()).output().expect("it starts");
        assert!(output.status.success(), "{document}: {output:?}");
    }
    let bytes = fs::read(folder.path().join("enhanced_portrait.png")).unwrap();
    assert!(bytes.starts_with(b"\x89PNG"), "{document}: {}", String::from_utf8_lossy(&bytes));
    let image = cameo::codec::decode(&bytes, &cameo::codec::Limits::default()).unwrap();
    assert_eq!((image.width, image.height), (1024, 1024), "{document}");
    assert!(image.pixels[3] < 5, "{document}: the corner is clear");
    assert_eq!(image.pixels[(512 * 1024 + 512) * 4 + 3], 255, "{document}: the middle is not");
}

#[test]
fn the_customers_examples_are_in_the_chinese_reference_word_for_word() {
    // The contract lies beside a checkout on the machines that build Cameo.
    let reference = fs::read_to_string(common::project().join("docs/api.zh-CN.md")).unwrap();
    let english = fs::read_to_string(common::project().join("docs/api.md")).unwrap();
    for language in ["python", "bash"] {
        let own = examples(&reference, language);
        assert!(!own.is_empty());
        assert!(english.contains(&own[0]), "both references have the same {language} example");
        if let Ok(contract) = fs::read_to_string(common::project().join("../shared/contract.zh-CN.md")) {
            assert_eq!(examples(&contract, language)[0], own[0], "{language}");
        }
    }
}
