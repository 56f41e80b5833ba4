//! The OpenAPI document without its calls, and the Swagger UI page that shows it.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, openapi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::problem::ProblemBody;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cameo",
        description = "Removes the background of portraits and enhances them. Submit a photo, ask for the task's \
            status until it is completed, then fetch the result. Errors are `application/problem+json` (RFC 9457) \
            with a stable `code`."
    ),
    tags(
        (name = "accounts", description = "Tokens"),
        (name = "tasks", description = "Photos and their results"),
        (name = "configs", description = "Stored cut-out options"),
        (name = "operations", description = "For operators"),
    ),
    security(("bearer" = []), ("query" = [])),
    components(schemas(ProblemBody)),
    modifiers(&TokenSchemes)
)]
struct BaseDocument;

/// The two ways to send a token.
struct TokenSchemes;

impl Modify for TokenSchemes {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let query = ApiKey::Query(ApiKeyValue::new("token"));
        components.add_security_scheme("query", SecurityScheme::ApiKey(query));
    }
}

/// Returns the document without its calls, which the router adds.
pub fn base_document() -> openapi::OpenApi {
    BaseDocument::openapi()
}

/// Returns the routes of the page. Everything on it comes from this server.
pub fn page<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let page: Router<S> = SwaggerUi::new("/docs").config(Config::from("/openapi.json").validator_url("none")).into();
    page.layer(axum::middleware::map_response(|mut response: Response| async {
        // The page's own scripts and styles, and its requests to this server.
        let policy =
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        response
    }))
}
