#include "store/client_authorities.hpp"

#include <boost/json/value.hpp>
#include <utility>

namespace deployclaw::store {

constexpr db::Statement kFindClientAuthority{
    "find_client_authority",
    "SELECT certificate, encrypted FROM client_authorities WHERE client_id = $1"};

Task<Result<std::optional<ClientAuthority>>> find_client_authority(db::Database& db,
                                                                   ClientId client) {
  auto params = db::Params::of(client);
  const auto rows = co_await db.query(kFindClientAuthority, std::move(params));
  if (!rows) co_return context("find client authority", rows.error());
  if (rows->empty()) co_return std::nullopt;
  const auto row = rows->front();
  boost::json::value encrypted = row.json(1);
  if (!encrypted.is_object()) {
    co_return fail(Code::kCorrupt, "the client authority's sealed key is no object");
  }
  ClientAuthority found;
  found.certificate = row.string(0);
  found.encrypted = std::move(encrypted.get_object());
  co_return found;
}

constexpr db::Statement kKeepClientAuthority{
    "keep_client_authority",
    "INSERT INTO client_authorities (client_id, certificate, encrypted) VALUES ($1, $2, $3) "
    "ON CONFLICT (client_id) DO NOTHING"};

Task<Result<std::string>> keep_client_authority(db::Database& db, ClientId client,
                                                ClientAuthority authority) {
  const boost::json::value encrypted(std::move(authority.encrypted));
  auto params = db::Params::of(client, authority.certificate, encrypted);
  const auto kept = co_await db.query(kKeepClientAuthority, std::move(params));
  if (!kept) co_return context("keep client authority", kept.error());
  auto found = co_await find_client_authority(db, client);
  if (!found) co_return fail(std::move(found).error());
  if (!*found) co_return fail(Code::kNotFound, "the client is gone");
  co_return std::move((*found)->certificate);
}

}  // namespace deployclaw::store
