#pragma once

#include <memory>

#include "docker/container_runtime.hpp"
#include "docker/engine.hpp"

namespace deployclaw::docker {

// The engine's byte streams as streams of values: multiplexed log output, and events as JSON lines.
std::unique_ptr<LogStream> make_log_stream(std::unique_ptr<ByteStream> bytes);
std::unique_ptr<EventStream> make_event_stream(std::unique_ptr<ByteStream> bytes);

}  // namespace deployclaw::docker
