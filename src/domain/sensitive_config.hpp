#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::domain {

// An agent's config as it is stored holds sensitive values sealed: {"$sealed": {iv, ciphertext,
// tag, keyVersion}}. Answers show {"$sealed": true} in their place, and a change that sends that
// back keeps the stored value. The JSON pointer of the value within the config is the name it is
// sealed under (vault::SealContext::name, at most 255 bytes).
inline constexpr std::string_view kSealedKey = "$sealed";

// {"$credential": "<name>"} in a config stands for the placeholder of the agent's credential of
// that name: what the agent needs to use a key that it never gets. It is stored and shown as it is.
inline constexpr std::string_view kCredentialKey = "$credential";

// The name that `value` refers to, when it is such a reference; nullptr otherwise.
const boost::json::string* credential_reference(const boost::json::value& value);

// Does a field of this name hold a secret? By its words, whatever the spelling: apiKey, api_key,
// API-KEY, token, botToken, secret, clientSecret, password, passphrase, privateKey, credentials …
// but not maxTokens or tokenizer.
bool is_sensitive_name(std::string_view name);

// A sensitive string in a config, not yet sealed.
struct SensitiveValue {
  std::string pointer;  // within the config: "/models/providers/x/apiKey"
  std::string value;    // the caller seals it and wipes this
};

// Takes the sensitive strings out of `config`: each non-empty string under a sensitive name, at any
// depth, also inside an array under such a name, becomes null and is listed.
// {"$sealed": true} is replaced by what `stored` (the present stored config, or null) holds sealed
// at the same pointer; everything else that uses the key "$sealed" is an error, as is a pointer
// longer than 255 bytes. {"$credential": "<name>"} stays; any other use of that key is an error.
std::vector<SensitiveValue> extract_sensitive(boost::json::object& config,
                                              const boost::json::object* stored,
                                              std::string_view base,
                                              std::vector<FieldError>& errors);

// Puts {"$sealed": sealed} at `pointer`, which extract_sensitive() gave.
void place_sealed(boost::json::object& config, std::string_view pointer,
                  boost::json::object sealed);

// What a stored config holds sealed: the JSON pointer of each value within it, and what the vault
// gave for it.
using SealedValues = std::map<std::string, boost::json::object>;
SealedValues sealed_values(const boost::json::object& config);

// The pointers of the values that are certainly the same in both stored configs: the same sealed
// text in the same place. What was sealed anew cannot be told to be the same without opening it.
std::vector<std::string> same_sealed(const boost::json::object& one,
                                     const boost::json::object& other);

// The form that may be shown: every sealed value reads {"$sealed": true}.
void redact_sealed(boost::json::value& config);

// Overwrites the bytes of every string in `value`.
void wipe_strings(boost::json::value& value);

}  // namespace deployclaw::domain
