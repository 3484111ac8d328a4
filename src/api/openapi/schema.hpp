#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <vector>

namespace deployclaw::api::openapi {

// Checks `value` against a schema of the OpenAPI document (JSON Schema 2020-12), with the keywords
// that the document uses: $ref (into `document`), type, enum, properties, required,
// additionalProperties, propertyNames, items, oneOf, minimum, maximum, minLength, maxLength,
// minItems, maxItems, minProperties, uniqueItems, pattern, format (uuid, date-time). An unknown
// keyword is a mistake too: a rule that nobody checks is none.
// Answers every mistake as "<pointer>: <what>".
std::vector<std::string> schema_mistakes(const boost::json::value& document,
                                         const boost::json::value& schema,
                                         const boost::json::value& value);

}  // namespace deployclaw::api::openapi
