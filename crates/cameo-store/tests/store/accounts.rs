//! Users and their configs.

use cameo_store::{Config, StoreError, Worker};
use uuid::Uuid;

use crate::{Fixture, START};

#[tokio::test]
async fn a_variant_of_a_name_is_taken() {
    let fixture = Fixture::new().await;
    fixture.store.add_user("éve", "hash", false, START).await.unwrap();
    for variant in ["ANN", "ａｎｎ", "ÉVE", "e\u{301}ve"] {
        let result = fixture.store.add_user(variant, "hash", false, START).await;
        assert!(matches!(result, Err(StoreError::AlreadyExists(_))), "{variant}: {result:?}");
    }
}

#[tokio::test]
async fn a_user_is_found_by_any_variant_of_the_name() {
    let fixture = Fixture::new().await;
    for variant in ["ann", "Ann", "ＡＮＮ"] {
        assert_eq!(fixture.store.user_named(variant).await.unwrap().unwrap().id, fixture.ann, "{variant}");
        assert!(fixture.store.set_password(variant, "new", START).await.unwrap(), "{variant}");
        assert!(fixture.store.enable_user(variant).await.unwrap(), "{variant}");
    }
}

#[tokio::test]
async fn users_are_listed_by_name() {
    let fixture = Fixture::new().await;
    let ava = fixture.store.add_user("Ava", "hash", false, START).await.unwrap().id;
    let ids: Vec<_> = fixture.store.users().await.unwrap().iter().map(|user| user.id).collect();
    assert_eq!(ids, [fixture.ann, ava, fixture.bob]);
}

#[tokio::test]
async fn a_new_password_is_stored_with_its_time() {
    let fixture = Fixture::new().await;
    assert!(fixture.store.set_password("ann", "new", START + 7).await.unwrap());
    let user = fixture.store.user(fixture.ann).await.unwrap().unwrap();
    assert_eq!((user.password_hash.as_str(), user.password_changed_at), ("new", START + 7));
}

#[tokio::test]
async fn a_new_password_turns_a_demo_user_into_a_regular_one() {
    let fixture = Fixture::new().await;
    let demo = fixture.store.add_user("demo", "hash", true, START).await.unwrap();
    assert!(demo.demo);
    fixture.store.set_password("demo", "new", START).await.unwrap();
    assert!(!fixture.store.user(demo.id).await.unwrap().unwrap().demo);
}

#[tokio::test]
async fn an_unknown_user_gets_no_password() {
    assert!(!Fixture::new().await.store.set_password("nobody", "new", START).await.unwrap());
}

#[tokio::test]
async fn a_user_can_be_disabled_and_enabled() {
    let fixture = Fixture::new().await;
    assert!(fixture.store.disable_user("bob", START).await.unwrap());
    assert!(fixture.store.user(fixture.bob).await.unwrap().unwrap().disabled);
    assert!(fixture.store.enable_user("bob").await.unwrap());
    assert!(!fixture.store.user(fixture.bob).await.unwrap().unwrap().disabled);
}

#[tokio::test]
async fn what_tokens_carry_changes_for_good_when_a_user_is_disabled_or_gets_a_password() {
    let fixture = Fixture::new().await;
    let mut values = vec![fixture.store.user(fixture.bob).await.unwrap().unwrap().password_changed_at];
    // The last change happens after the clock was put back.
    for (new_password, time) in [(false, START), (true, START), (false, START + 1), (true, 1)] {
        match new_password {
            true => assert!(fixture.store.set_password("bob", "new", time).await.unwrap()),
            false => assert!(fixture.store.disable_user("bob", time).await.unwrap()),
        }
        fixture.store.enable_user("bob").await.unwrap();
        values.push(fixture.store.user(fixture.bob).await.unwrap().unwrap().password_changed_at);
    }
    assert!(values.is_sorted_by(|earlier, later| earlier < later), "{values:?}");
}

#[tokio::test]
async fn damaged_rows_do_not_hide_the_others() {
    let fixture = Fixture::new().await;
    let config = fixture.put_config("whole", true).await;
    fixture.put_config("damaged", true).await;
    for id in ["a", "b"] {
        let (id, engine) = (id.to_string(), "cpu".to_string());
        fixture.store.heartbeat(&Worker { id, server: None, engine, ready: true, heartbeat_at: START }).await.unwrap();
    }
    fixture.damage(
        "UPDATE users SET password_hash = CAST(x'ff' AS TEXT) WHERE name = 'ann';
         UPDATE configs SET id = 'no UUID' WHERE name = 'damaged';
         UPDATE workers SET engine = CAST(x'ff' AS TEXT) WHERE id = 'a';",
    );
    let users = fixture.store.users().await.unwrap();
    assert_eq!(users.iter().map(|user| user.id).collect::<Vec<_>>(), [fixture.bob]);
    assert_eq!(fixture.store.configs(fixture.bob).await.unwrap(), [config]);
    let workers = fixture.store.workers().await.unwrap();
    assert_eq!(workers.iter().map(|worker| worker.id.as_str()).collect::<Vec<_>>(), ["b"]);
}

impl Fixture {
    /// Stores a config of Ann.
    async fn put_config(&self, name: &str, shared: bool) -> Config {
        let (id, owner, name, options) = (Uuid::new_v4(), self.ann, name.to_string(), "{}".to_string());
        let config = Config { id, owner, name, shared, options, created_at: START, updated_at: START };
        assert!(self.store.put_config(&config, 10).await.unwrap());
        config
    }
}

#[tokio::test]
async fn an_owner_reads_private_and_shared_configs() {
    let fixture = Fixture::new().await;
    let configs = [fixture.put_config("private", false).await, fixture.put_config("shared", true).await];
    assert_eq!(fixture.store.configs(fixture.ann).await.unwrap(), configs);
}

#[tokio::test]
async fn other_users_read_only_shared_configs() {
    let fixture = Fixture::new().await;
    fixture.put_config("private", false).await;
    let shared = fixture.put_config("shared", true).await;
    assert_eq!(fixture.store.configs(fixture.bob).await.unwrap(), [shared]);
}

#[tokio::test]
async fn an_owner_can_replace_a_config() {
    let fixture = Fixture::new().await;
    let config = fixture.put_config("old", false).await;
    let renamed = Config { name: "new".into(), ..config };
    // A full owner can still replace.
    assert!(fixture.store.put_config(&renamed, 1).await.unwrap());
    assert_eq!(fixture.store.config(renamed.id).await.unwrap(), Some(renamed));
}

#[tokio::test]
async fn configs_at_the_same_time_do_not_pass_the_limit() {
    let fixture = Fixture::new().await;
    let config = fixture.put_config("first", false).await;
    let others = (0..20).map(|_| {
        let (store, other) = (fixture.store.clone(), Config { id: Uuid::new_v4(), ..config.clone() });
        tokio::spawn(async move { store.put_config(&other, 5).await.unwrap() })
    });
    let mut stored = 0;
    for other in others.collect::<Vec<_>>() {
        stored += usize::from(other.await.unwrap());
    }
    assert_eq!((stored, fixture.store.configs(fixture.ann).await.unwrap().len()), (4, 5));
}

#[tokio::test]
async fn another_user_cannot_replace_a_config() {
    let fixture = Fixture::new().await;
    let config = fixture.put_config("old", true).await;
    let stolen = Config { owner: fixture.bob, name: "new".into(), ..config.clone() };
    fixture.store.put_config(&stolen, 10).await.unwrap();
    assert_eq!(fixture.store.config(config.id).await.unwrap(), Some(config));
}

#[tokio::test]
async fn an_owner_can_delete_a_config() {
    let fixture = Fixture::new().await;
    let config = fixture.put_config("old", false).await;
    assert!(fixture.store.delete_config(config.id, fixture.ann).await.unwrap());
    assert_eq!(fixture.store.config(config.id).await.unwrap(), None);
}

#[tokio::test]
async fn another_user_cannot_delete_a_config() {
    let fixture = Fixture::new().await;
    let config = fixture.put_config("old", true).await;
    assert!(!fixture.store.delete_config(config.id, fixture.bob).await.unwrap());
    assert_eq!(fixture.store.config(config.id).await.unwrap(), Some(config));
}
