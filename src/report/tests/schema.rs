//! Reports held against a published schema.

use serde_json::Value;

/// Where `report` is not what `schema` says. Stricter than JSON Schema: a field that the schema does not name is a
/// problem too, so that nothing is published undescribed. Keywords that our schemas do not use are refused.
pub(crate) fn problems(schema: &str, report: &str) -> Vec<String> {
    let root: Value = serde_json::from_str(schema).unwrap();
    let mut found = Vec::new();
    compare(&root, &root, &serde_json::from_str(report).unwrap(), "", &mut found);
    found
}

fn compare(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$ref" => {
                let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                compare(root, root.pointer(pointer).unwrap(), value, at, found);
            }
            "anyOf" => {
                let fits = |rule: &Value| {
                    let mut inner = Vec::new();
                    compare(root, rule, value, at, &mut inner);
                    inner.is_empty()
                };
                if !rule.as_array().unwrap().iter().any(fits) {
                    found.push(format!("{at}: matches no alternative"));
                }
            }
            "const" if rule != value => found.push(format!("{at}: is not {rule}")),
            "enum" if !rule.as_array().unwrap().contains(value) => found.push(format!("{at}: not a listed value")),
            "type" if !has_type(rule, value) => found.push(format!("{at}: is not {rule}")),
            "minimum" if value.as_f64().is_some_and(|number| number < rule.as_f64().unwrap()) => {
                found.push(format!("{at}: too small"));
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    compare(root, rule, item, &format!("{at}/{index}"), found);
                }
            }
            "required" => {
                let missing = rule.as_array().unwrap().iter().filter(|name| value.get(name.as_str().unwrap()).is_none());
                found.extend(missing.map(|name| format!("{at}/{}: missing", name.as_str().unwrap())));
            }
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    match rule.get(name) {
                        Some(rule) => compare(root, rule, field, &format!("{at}/{name}"), found),
                        None => found.push(format!("{at}/{name}: not in the schema")),
                    }
                }
            }
            // That is what "properties" demands here anyway.
            "additionalProperties" if *rule == Value::Bool(false) => {}
            "const" | "enum" | "type" | "minimum" | "format" | "description" | "title" | "$schema" | "$defs" => {}
            unknown => panic!("the test does not know the keyword {unknown}"),
        }
    }
}

fn has_type(rule: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        unknown => panic!("the test does not know the type {unknown}"),
    };
    rule.as_array().map_or_else(|| is(rule), |names| names.iter().any(is))
}
