//! The examples in the documents run as printed, and the contract's examples are the contract's.

use std::fs;
use std::process::Command;

use crate::client::photo;
use crate::common;
use crate::server::Server;

/// The documents, and how many examples in Python and in Bash each one has.
const DOCUMENTS: [(&str, usize, usize); 4] =
    [("README.md", 0, 1), ("README.zh-CN.md", 0, 1), ("docs/api.md", 2, 2), ("docs/api.zh-CN.md", 2, 2)];

/// The contract's examples, byte for byte.
const CONTRACT_PYTHON: &str = include_str!("contract_examples/example.py");
const CONTRACT_BASH: &str = include_str!("contract_examples/example.sh");

fn read(document: &str) -> String {
    fs::read_to_string(common::project().join(document)).unwrap()
}

/// The code blocks in `language` that log in to the server, in the order of the document.
fn examples(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks.filter(|block| block.contains("/api/v1/login")).map(|block| format!("{block}\n")).collect()
}

#[test]
fn the_examples_run_as_printed() {
    let server = Server::start(&["--demo"]);
    assert_eq!(server.port, 8000);
    for (document, python_count, bash_count) in DOCUMENTS {
        let text = read(document);
        let (python, bash) = (examples(&text, "python"), examples(&text, "bash"));
        assert_eq!((python.len(), bash.len()), (python_count, bash_count), "examples in {document}");
        for script in python {
            let mut command = Command::new(common::python());
            command.args(["-c", &script]);
            assert_writes_the_cutout(document, &mut command);
        }
        for script in bash {
            let mut command = Command::new("bash");
            command.args(["-euo", "pipefail", "-c", &repeat_step_three(&script)]);
            assert_writes_the_cutout(document, &mut command);
        }
    }
}

/// The contract's steps as the documents tell to run them: step 3 is repeated until the status is `completed`. Other
/// scripts are returned unchanged.
fn repeat_step_three(script: &str) -> String {
    let wait = "until curl -s \"http://localhost:8000/api/v1/upscale/status/$TASK_ID?token=$TOKEN\" \
        | grep -q '\"completed\"'; do sleep 0.2; done\n";
    script.replace("# 4. ", &format!("{wait}# 4. "))
}

/// Runs `command` beside `portrait.jpg`, and checks the picture that it writes.
fn assert_writes_the_cutout(document: &str, command: &mut Command) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("portrait.jpg"), photo()).unwrap();
    let output = command.current_dir(folder.path()).output().expect("the interpreter starts");
    assert!(output.status.success(), "{document}: {output:?}");
    let bytes = fs::read(folder.path().join("enhanced_portrait.png")).unwrap();
    assert!(bytes.starts_with(b"\x89PNG"), "{document}: {}", String::from_utf8_lossy(&bytes));
    let image = cameo_core::codec::decode(&bytes, &cameo_core::codec::InputLimits::default()).unwrap();
    assert_eq!((image.width, image.height), (1024, 1024), "{document}");
    assert!(image.pixels[3] < 5, "{document}: the corner is transparent");
    assert_eq!(image.pixels[(512 * 1024 + 512) * 4 + 3], 255, "{document}: the middle is opaque");
}

#[test]
fn the_contracts_examples_are_in_the_chinese_reference_word_for_word() {
    let reference = read("docs/api.zh-CN.md");
    for (language, contract) in [("python", CONTRACT_PYTHON), ("bash", CONTRACT_BASH)] {
        assert_eq!(examples(&reference, language).last().map(String::as_str), Some(contract), "{language}");
    }
}

#[test]
fn the_english_reference_has_the_same_examples_and_no_chinese() {
    let (english, chinese) = (read("docs/api.md"), read("docs/api.zh-CN.md"));
    let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    assert_eq!(english.replace("[中文]", "").find(is_chinese), None, "Chinese text in docs/api.md");
    for language in ["python", "bash"] {
        let translated = examples(&chinese, language).iter().map(|code| without_comments(code)).collect::<Vec<_>>();
        let original = examples(&english, language).iter().map(|code| without_comments(code)).collect::<Vec<_>>();
        assert_eq!(original, translated, "{language}");
    }
}

/// `code` without its comments and without the text of its messages, which differ between the languages.
fn without_comments(code: &str) -> String {
    let code = code.replace("print(\"处理失败\")", "print(\"processing failed\")");
    code.lines().map(|line| line.split('#').next().unwrap_or_default().trim_end()).collect::<Vec<_>>().join("\n")
}
