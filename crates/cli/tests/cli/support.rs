//! Runs the real binary in a folder of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder that is gone after the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A folder with these files: name and content.
    pub(crate) fn with(files: &[(&str, &[u8])]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("fardel-cli-{}-{count}", std::process::id()));
        std::fs::create_dir(&path).expect("the folder is new");
        for (name, content) in files {
            std::fs::write(path.join(name), content).expect("the file can be written");
        }
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts the binary with piped streams.
pub(crate) fn start(folder: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fardel"));
    // Options of nodes come from the environment as well.
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("FARDEL_")) {
        command.env_remove(key);
    }
    command
        .args(args)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

/// Runs the binary to its end.
pub(crate) fn run(folder: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = start(folder, args);
    let mut stdin = child.stdin.take().expect("the input is piped");
    let input = input.to_vec();
    // The program may end before it has read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the process ends");
    writer.join().expect("the writer ends");
    output
}

/// What a process left: status, standard output, standard error.
pub(crate) fn seen(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}
