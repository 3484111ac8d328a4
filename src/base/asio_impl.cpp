// The one translation unit that holds Asio's compiled part (BOOST_ASIO_SEPARATE_COMPILATION), so
// that the others compile fast.
#include <boost/asio/impl/src.hpp>
