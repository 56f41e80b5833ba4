//! Users and their configs.

use cameo_tasks::{Config, Error};
use uuid::Uuid;

use crate::{START, fresh};

#[tokio::test]
async fn a_name_is_taken_in_whatever_case() {
    let scene = fresh().await;
    let done = scene.store.add_user("ANN", "hash", false, START).await;
    assert!(matches!(done, Err(Error::Exists(_))), "{done:?}");
    assert_eq!(scene.store.user_named("Ann").await.unwrap().unwrap().id, scene.ann);
}

#[tokio::test]
async fn a_new_password_voids_older_tokens() {
    let scene = fresh().await;
    assert!(scene.store.set_password("ann", "new", START + 7).await.unwrap());
    let user = scene.store.user(scene.ann).await.unwrap().unwrap();
    assert_eq!((user.password_hash.as_str(), user.tokens_from), ("new", START + 7));
    assert!(!scene.store.set_password("nobody", "new", START).await.unwrap());
}

#[tokio::test]
async fn a_user_is_disabled_and_enabled() {
    let scene = fresh().await;
    for disabled in [true, false] {
        assert!(scene.store.set_disabled("bob", disabled).await.unwrap());
        assert_eq!(scene.store.user(scene.bob).await.unwrap().unwrap().disabled, disabled);
    }
    assert_eq!(scene.store.users().await.unwrap().len(), 2);
}

#[tokio::test]
async fn configs_are_seen_by_their_owner_and_shared_ones_by_all() {
    let scene = fresh().await;
    let (id, owner) = (Uuid::new_v4(), scene.ann);
    let (created_at, updated_at) = (START, START);
    let own = Config { id, owner, name: "own".into(), shared: false, options: "{}".into(), created_at, updated_at };
    let shared = Config { id: Uuid::new_v4(), name: "shared".into(), shared: true, ..own.clone() };
    scene.store.put_config(&own).await.unwrap();
    scene.store.put_config(&shared).await.unwrap();
    assert_eq!(scene.store.configs(scene.ann).await.unwrap(), [own.clone(), shared.clone()]);
    assert_eq!(scene.store.configs(scene.bob).await.unwrap(), std::slice::from_ref(&shared));
    assert!(!scene.store.delete_config(own.id, scene.bob).await.unwrap());
    // Nor does a foreigner change it.
    scene.store.put_config(&Config { owner: scene.bob, name: "mine".into(), ..own.clone() }).await.unwrap();
    assert_eq!(scene.store.config(own.id).await.unwrap(), Some(own.clone()));
    scene.store.put_config(&Config { name: "renamed".into(), ..own.clone() }).await.unwrap();
    assert_eq!(scene.store.config(own.id).await.unwrap().unwrap().name, "renamed");
    assert!(scene.store.delete_config(own.id, scene.ann).await.unwrap());
    assert_eq!(scene.store.config(own.id).await.unwrap(), None);
}
