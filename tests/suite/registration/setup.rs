//! The texts of a set-up: each flavour as a snapshot, and what cannot stand in them.

use jiff::civil::date;
use serde_json::Value;
use spartacus::base::{ByteCount, Hinted as _, Sha256, TargetName};
use spartacus::config::{Config, Target};
use spartacus::registration::{
    Flavour, Invite, Needs, Preparation, SetupChoices, SetupError, SetupForm, SetupStep, WebServer, setup_page,
};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHiMrYUBpQG2SmpJ9tKa5PhA7j6iZUaZma+wAvgyG3cE";

const SFTP: &str = "sftp: {host: mirror.example.org, user: mirror, path: /pub/archive, key: k, host_keys: ['SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA']}";
const S3: &str = "s3: {endpoint: 'https://s3.example.org', bucket: files, prefix: some/where, access_key: 'file:access_key', secret_key: 'env:SECRET'}";
const WEBDAV: &str = "webdav: {url: 'https://dav.example.org/push/', user: mirror, password: 'file:password'}";
const NEXTCLOUD: &str =
    "webdav: {url: 'https://cloud.example.org/remote.php/dav/files/u1/mirror/', user: u1, password: 'file:password'}";

fn target(kind: &str, public_url: &str) -> Target {
    let text = format!("project: {{name: x}}\ntargets:\n  - name: paris\n    public_url: {public_url}\n    {kind}\n");
    let loaded = Config::from_text("targets.yaml".into(), &text).unwrap_or_else(|error| panic!("{}", error.render(false)));
    loaded.config.targets.into_iter().next().expect("one target")
}

fn choices(flavour: Flavour) -> SetupChoices {
    SetupChoices::new(flavour, date(2027, 6, 1))
}

fn invite() -> Invite {
    let at = "2026-11-29T00:00:00Z".parse().expect("a moment");
    Invite {
        project: "Blue \"Books\"".to_owned(),
        pin: Sha256::of(b"root"),
        roots: Vec::new(),
        at,
        expires: at,
        needs: Needs {
            bundles: 0,
            files: 0,
            bytes: ByteCount(0),
            newest: None,
            newest_bytes: ByteCount(0),
            growth_per_year: None,
        },
        protocols: vec!["sftp".to_owned()],
        deploy_keys: vec![format!("{KEY} spartacus deploy Blue \"Books\"")],
        from: vec!["203.0.113.7".to_owned(), "2001:db8::/64".to_owned()],
        recipients: Vec::new(),
        send_to: Vec::new(),
        conditions: Vec::new(),
    }
}

fn steps(target: &Target, choices: &SetupChoices, invite: Option<&Invite>) -> Result<Vec<SetupStep>, SetupError> {
    let (name, public_url) = (TargetName::new("paris").expect("a name"), target.public_url.as_ref());
    Preparation { name: &name, kind: &target.kind, public_url, choices, invite, own_key: Some(KEY) }.steps()
}

#[test]
fn each_flavour_has_its_own_set_up() {
    let pages = [
        ("openssh", SFTP, "https://mirror.example.org/archive/"),
        ("hoster", SFTP, "https://mirror.example.org/archive/"),
        ("aws", S3, "https://files.s3.amazonaws.com/some/where/"),
        ("garage", S3, "https://files.web.example.org/"),
        ("minio", S3, "https://s3.example.org/files/some/where/"),
        ("r2", S3, "https://mirror.example.org/"),
        ("other", S3, "https://mirror.example.org/"),
        ("apache", WEBDAV, "https://dav.example.org/"),
        ("nginx", WEBDAV, "https://mirror.example.org:8443/archive/"),
        ("nextcloud", NEXTCLOUD, "https://cloud.example.org/public.php/dav/files/TOKEN/"),
    ];
    for (word, kind, public_url) in pages {
        let flavour: Flavour = word.parse().expect("a flavour");
        let steps = steps(&target(kind, public_url), &choices(flavour), Some(&invite()))
            .unwrap_or_else(|error| panic!("{word}: {error}"));
        insta::assert_snapshot!(word, setup_page("How paris becomes a mirror", &steps));
    }
    let hoster = steps(&target(WEBDAV, "https://h.example/"), &choices(Flavour::Hoster), None).expect("words");
    assert!(hoster.iter().any(|step| step.text.contains("> password")), "{hoster:?}");
    let apache = SetupChoices { web: WebServer::Apache, ..choices(Flavour::Openssh) };
    let readers = steps(&target(SFTP, "https://mirror.example.org/archive/"), &apache, None).expect("a block");
    insta::assert_snapshot!("readers_apache", setup_page("Readers", &readers[4..]));
    assert!(readers[2].text.contains("KEY OF THE PROJECT"), "without an invite it says what is missing: {readers:?}");
}

/// Of each policy what it says, whatever its layout is.
#[test]
fn policies_allow_what_a_push_needs_and_no_more() {
    for (flavour, prefix, objects) in [
        (Flavour::Aws, "prefix: some/where, ", "arn:aws:s3:::files/some/where/*"),
        (Flavour::Minio, "prefix: some/where, ", "arn:aws:s3:::files/some/where/*"),
        (Flavour::Aws, "", "arn:aws:s3:::files/*"),
    ] {
        let place = target(&S3.replace("prefix: some/where, ", prefix), "https://m.example/");
        let steps = steps(&place, &choices(flavour), None).expect("policies");
        let policy = |name: &str| -> Value {
            let step = steps.iter().find(|step| step.own_file() == Some(name)).unwrap_or_else(|| panic!("there is no {name}"));
            assert_eq!(step.form, SetupForm::File);
            serde_json::from_str(&step.text).expect("a policy is JSON")
        };
        let rules = policy("push-policy.json")["Statement"].as_array().expect("rules").clone();
        let actions: Vec<&str> =
            rules.iter().flat_map(|rule| rule["Action"].as_array().expect("a list")).filter_map(Value::as_str).collect();
        assert_eq!(actions.len(), 7, "{actions:?}");
        assert!(!actions.iter().any(|action| action.contains('*') || action.contains("Acl") || action.contains("Policy")));
        assert_eq!(rules[0]["Resource"][0], objects);
        for rule in &rules {
            assert_eq!(rule["Condition"]["DateLessThan"]["aws:CurrentTime"], "2027-06-01T23:59:59Z", "it ends by itself");
        }
        let listed = rules[1]["Condition"]["StringLike"]["s3:prefix"][0].as_str();
        assert_eq!(listed, (!prefix.is_empty()).then_some("some/where/*"));
        let uploads = rules[2]["Condition"].as_object().expect("conditions");
        assert_eq!(uploads.keys().collect::<Vec<_>>(), ["DateLessThan"], "a request for unfinished uploads has no s3:prefix");
        let readers = policy("reader-policy.json")["Statement"].as_array().expect("rules").clone();
        assert_eq!(
            (readers.len(), &readers[0]["Action"], &readers[0]["Resource"][0]),
            (1, &serde_json::json!(["s3:GetObject"]), &objects.into())
        );
    }
    let china = S3.replace("bucket: files", "region: cn-north-1, bucket: files");
    let steps = steps(&target(&china, "https://m.example/"), &choices(Flavour::Aws), None).expect("policies");
    assert!(steps[1].text.contains("arn:aws-cn:s3:::files/some/where/*"), "{steps:?}");
}

#[test]
fn what_could_break_out_of_a_configuration_is_refused() {
    let public = "https://mirror.example.org/archive/";
    let refused = |kind: &str, public_url: &str, choices: &SetupChoices, what: &str| {
        let error = steps(&target(kind, public_url), choices, None).expect_err(what);
        assert!(error.to_string().starts_with(what), "{what:?}: {error}");
        assert!(error.hint().is_some(), "{error}");
    };
    let openssh = choices(Flavour::Openssh);
    for user in ["'a,root'", "'*'", "'!x'", "'a\"b'", "'a#b'", "'-x'", "'a;b'", "'$(id)'", "\"a\\\\b\""] {
        refused(&SFTP.replace("user: mirror", &format!("user: {user}")), public, &openssh, "the user cannot stand");
        refused(
            &WEBDAV.replace("user: mirror", &format!("user: {user}")),
            public,
            &choices(Flavour::Nginx),
            "the user cannot stand",
        );
    }
    for path in ["'/pub/%h'", "'/pub/a b'", "'/pub/\"'", "'/pub/$x'", "'/pub;x'"] {
        refused(&SFTP.replace("path: /pub/archive", &format!("path: {path}")), public, &openssh, "the path cannot stand");
    }
    refused(&SFTP.replace("path: /pub/archive", "path: /"), public, &openssh, "the account cannot write");
    for (folder, etc) in
        [("/srv/%h", "/etc"), ("srv", "/etc"), ("/srv/../etc", "/etc"), ("/srv", "/etc\n"), ("/srv\nMatch all", "/etc")]
    {
        let odd = SetupChoices { server_folder: folder.to_owned(), etc: etc.to_owned(), ..openssh.clone() };
        refused(SFTP, public, &odd, "the folder of");
    }
    for bad in ["https://m.example/a;b/", "https://m.example/a$b/", "https://m.example/%7Bx/", "https://m.example/'/"] {
        refused(SFTP, &format!("\"{bad}\""), &openssh, "the path of an address cannot stand");
        refused(WEBDAV, &format!("\"{bad}\""), &choices(Flavour::Apache), "the path of an address cannot stand");
    }
    refused(SFTP, "\"https://a'b.example/\"", &openssh, "the host cannot stand");
    for prefix in ["'a*'", "'a?'", "'${aws:username}'", "'a\"b'"] {
        refused(
            &S3.replace("prefix: some/where", &format!("prefix: {prefix}")),
            public,
            &choices(Flavour::Aws),
            "the prefix cannot stand",
        );
    }
    refused(WEBDAV, "https://dav.example.org/push", &choices(Flavour::Nginx), "readers and pushes have the same address");
    refused(WEBDAV, public, &choices(Flavour::Aws), "aws does not fit webdav");
    refused("folder: {path: /srv}", public, &openssh, "openssh does not fit folder");

    // A maintainer signed the invite, and may have been forced or careless all the same.
    let place = target(SFTP, public);
    let with = |change: fn(&mut Invite)| {
        let mut invite = invite();
        change(&mut invite);
        steps(&place, &openssh, Some(&invite))
    };
    assert!(with(|invite| invite.from = vec!["\",command=\"id".to_owned()]).is_err());
    assert!(with(|invite| invite.deploy_keys = vec![format!("command=\"id\" {KEY}")]).is_err());
    // At a hoster nothing but the line keeps commands out; a bare day would end at its beginning.
    let hosted = steps(&place, &choices(Flavour::Hoster), Some(&invite())).expect("words and lines");
    let lines: Vec<&str> = hosted[1].text.lines().filter(|line| !line.starts_with('#')).collect();
    let narrow = |line: &&str| line.starts_with("restrict,command=\"internal-sftp\",") && line.contains("=\"202706012359\" ssh-");
    assert!(lines.len() == 2 && lines.iter().all(narrow), "{lines:?}");
    let sly = with(|invite| invite.project = "x\nssh-ed25519 AAAA".to_owned()).expect("its name is only a comment");
    let lines: Vec<&str> = sly[2].text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with("restrict,")), "{lines:?}");
}
