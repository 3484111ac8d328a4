#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/ids.hpp"

struct pg_result;

namespace deployclaw::db {

// A column was read as a type that its value is not, or NULL by a getter that has no null form, or
// past the last column: the SQL and the code beside it disagree. A bug, hence an exception.
class BadColumn : public std::logic_error {
  using std::logic_error::logic_error;
};

// One row of a Rows; a view that must not outlive it. Columns count from 0. Each getter has a
// maybe_ form that gives nullopt for NULL. All throw BadColumn on a wrong type.
class Row {
 public:
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::string_view text(int column) const;  // any type in its text form
  [[nodiscard]] std::string string(int column) const { return std::string(text(column)); }
  [[nodiscard]] std::int64_t int64(int column) const;
  [[nodiscard]] bool boolean(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] Time time(int column) const;  // timestamptz
  [[nodiscard]] boost::json::value json(int column) const;
  [[nodiscard]] Bytes bytes(int column) const;  // bytea
  [[nodiscard]] std::vector<std::string> texts(
      int column) const;  // one-dimensional array, no NULLs
  template <class Tag>
  [[nodiscard]] Id<Tag> id(int column) const {
    const auto parsed = Id<Tag>::parse(text(column));
    if (!parsed) bad(column, "uuid");
    return *parsed;
  }

  [[nodiscard]] std::optional<std::string> maybe_string(int c) const {
    return maybe(c, &Row::string);
  }
  [[nodiscard]] std::optional<std::string_view> maybe_text(int c) const {
    return maybe(c, &Row::text);
  }
  [[nodiscard]] std::optional<std::int64_t> maybe_int64(int c) const {
    return maybe(c, &Row::int64);
  }
  [[nodiscard]] std::optional<bool> maybe_boolean(int c) const { return maybe(c, &Row::boolean); }
  [[nodiscard]] std::optional<double> maybe_real(int c) const { return maybe(c, &Row::real); }
  [[nodiscard]] std::optional<Time> maybe_time(int c) const { return maybe(c, &Row::time); }
  [[nodiscard]] std::optional<boost::json::value> maybe_json(int c) const {
    return maybe(c, &Row::json);
  }
  [[nodiscard]] std::optional<Bytes> maybe_bytes(int c) const { return maybe(c, &Row::bytes); }
  template <class Tag>
  [[nodiscard]] std::optional<Id<Tag>> maybe_id(int c) const {
    return maybe(c, &Row::id<Tag>);
  }

 private:
  friend class Rows;
  Row(const pg_result* result, int index) : result_(result), index_(index) {}
  [[noreturn]] void bad(int column, std::string_view wanted) const;
  template <class T>
  std::optional<T> maybe(int column, T (Row::*get)(int) const) const {
    if (is_null(column)) return std::nullopt;
    return (this->*get)(column);
  }

  const pg_result* result_;
  int index_;
};

// The answer of one statement. Cheap to copy: copies share the rows.
class Rows {
 public:
  Rows() = default;                 // no rows
  explicit Rows(pg_result* owned);  // takes the result over
  [[nodiscard]] int size() const;   // rows returned
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] int columns() const;
  [[nodiscard]] std::int64_t affected() const;     // rows an INSERT, UPDATE or DELETE touched
  [[nodiscard]] std::string_view command() const;  // command tag: "INSERT 0 1", "COMMIT"
  // Throws BadColumn when there is no such row.
  [[nodiscard]] Row operator[](int index) const;
  [[nodiscard]] Row front() const { return (*this)[0]; }

  class Iterator {
   public:
    Row operator*() const { return (*rows_)[index_]; }
    Iterator& operator++() { return ++index_, *this; }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    friend class Rows;
    Iterator(const Rows* rows, int index) : rows_(rows), index_(index) {}
    const Rows* rows_;
    int index_;
  };
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, size()}; }

 private:
  std::shared_ptr<pg_result> result_;
};

}  // namespace deployclaw::db
