#pragma once

#include <boost/json/object.hpp>
#include <cstddef>

#include "models/request.hpp"

namespace deployclaw::models {

// Fills in what the body gives the model to read: bytes of text, images, audio, what is cached, and
// whether there is more than the body itself holds..
Status read_contents(const boost::json::object& body, std::size_t bytes, ModelRequest& request);

}  // namespace deployclaw::models
