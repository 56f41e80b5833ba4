//! The API's description for programs, and a page of it for people.

use axum::Router;
use axum::http::{HeaderValue, header};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, openapi};
use utoipa_swagger_ui::{Config, SwaggerUi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cameo",
        description = "Cuts portraits out of their background and enhances them. Submit a photo, ask for its status \
            until it is completed, fetch the result. Errors are `application/problem+json` (RFC 9457) with a stable `code`."
    ),
    tags(
        (name = "accounts", description = "Tokens"),
        (name = "tasks", description = "Photos in, pictures out"),
        (name = "configs", description = "Stored cut-out options"),
        (name = "operations", description = "For operators"),
    ),
    security(("bearer" = []), ("query" = [])),
    components(schemas(super::problem::Body)),
    modifiers(&Tokens)
)]
struct Document;

/// The two ways a token is sent.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let query = ApiKey::Query(ApiKeyValue::new("token"));
        components.add_security_scheme("query", SecurityScheme::ApiKey(query));
    }
}

/// The description without its calls.
pub fn base() -> openapi::OpenApi {
    Document::openapi()
}

/// The description, as it is served.
pub fn document() -> openapi::OpenApi {
    super::routes().into_openapi()
}

/// The page; all of it comes from this program.
pub fn page<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let page: Router<S> = SwaggerUi::new("/docs").config(Config::from("/openapi.json").validator_url("none")).into();
    page.layer(axum::middleware::map_response(|mut response: axum::response::Response| async {
        // Its own scripts and styles, and what they ask this server for.
        let policy =
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        response
    }))
}
