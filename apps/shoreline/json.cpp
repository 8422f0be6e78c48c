#include <nlohmann/json.hpp>

#include "shoreline/report.hpp"

namespace shoreline {

namespace {

using Json = nlohmann::ordered_json;

Json shoreAsJson(const Survey& survey, Shore shore) {
  const ShoreTotal& total = survey.shores[static_cast<std::size_t>(shore)];
  const AreaTotal& area = survey.areas[static_cast<std::size_t>(shore)];
  return {{"segments", total.segments},
          {"points", total.points},
          {"length_km", total.metres / 1000},
          {"polygons", area.polygons},
          {"area_km2", area.area}};
}

Json shoresAsJson(const Survey& survey) {
  Json shores;
  for (int shore = 0; shore < kShores; ++shore) {
    shores[nameOf(static_cast<Shore>(shore))] = shoreAsJson(survey, static_cast<Shore>(shore));
  }
  return shores;
}

Json binsAsJson(const Survey& survey) {
  Json bins = Json::array();
  for (const auto& [bin, metres] : survey.bins) {
    bins.push_back({{"west", survey.layout.west(bin)},
                    {"south", survey.layout.south(bin)},
                    {"size", survey.layout.binDegrees},
                    {"length_km", metres / 1000}});
  }
  return bins;
}

Json islandsAsJson(const Survey& survey) {
  Json islands = Json::array();
  for (const Island& island : survey.islands) {
    islands.push_back({{"polygon", island.polygon},
                       {"name", island.name.empty() ? Json() : Json(island.name)},
                       {"area_km2", island.area},
                       {"coast_km", island.coast.metres / 1000},
                       {"longitude", island.coast.longitude()},
                       {"latitude", island.coast.latitude()}});
  }
  return islands;
}

Json runAsJson(const Survey& survey) {
  Json phases = Json::array();
  for (const Phase& phase : survey.phases) {
    phases.push_back(
        {{"name", phase.name}, {"seconds", phase.seconds}, {"processes", phase.processes}});
  }
  return {{"phases", phases}};
}

}  // namespace

std::string toJson(const Survey& survey) {
  const Layout& layout = survey.layout;
  const ShoreTotal all = survey.totalShore();
  const Json document = {
      {"database", {{"version", layout.version}, {"file", layout.file}}},
      {"bins", layout.bins()},
      {"segments", layout.segments},
      {"points", layout.points},
      {"polygons", layout.polygons},
      {"shore",
       {{"segments", all.segments}, {"points", all.points}, {"length_km", all.metres / 1000}}},
      {"levels", shoresAsJson(survey)},
      {"river_lakes",
       {{"polygons", survey.riverLakes.polygons}, {"area_km2", survey.riverLakes.area}}},
      {"border_edges", {{"count", survey.borderEdges}, {"length_km", survey.borderMetres / 1000}}},
      {"bins_with_shore", survey.binsWithShore},
      {"busiest_bins", binsAsJson(survey)},
      {"largest_islands", islandsAsJson(survey)},
      {"run", runAsJson(survey)},
  };
  return document.dump(2) + "\n";
}

}  // namespace shoreline
