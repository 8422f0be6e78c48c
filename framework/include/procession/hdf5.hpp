#pragma once

#include "procession/hdf5/attribute.hpp"
#include "procession/hdf5/dataset.hpp"
#include "procession/hdf5/dataset_reader.hpp"
