#pragma once

/// Differs between the two builds of the program of the job tests.
const char* buildName();
