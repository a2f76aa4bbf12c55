// Views by the first part of their address.
import { html } from "../html.js";
import { Empty } from "../parts.js";
import { href } from "../router.js";
import { Applications } from "./applications.js";
import { ApplicationView } from "./application.js";
import { Accounts } from "./accounts.js";
import { Audit } from "./audit.js";
import { Clusters } from "./clusters.js";
import { DriftView } from "./drift.js";
import { Fleet } from "./fleet.js";
import { Login } from "./login.js";
import { Projects } from "./projects.js";
import { Repositories } from "./repositories.js";
import { route } from "../router.js";

function ListOrOne() {
  const parts = route.value.parts.slice(1);
  const name = parts[parts.length - 1]; // Argo CD's links may name a namespace before it
  return name ? html`<${ApplicationView} key=${name} name=${name} />` : html`<${Applications} />`;
}

function Nowhere() {
  return html`<${Empty}><h1>There is no such view</h1><p><a href=${href([])}>To the fleet</a></p><//>`;
}

export const views = {
  login: Login,
  fleet: Fleet,
  applications: ListOrOne,
  drift: DriftView,
  clusters: Clusters,
  repositories: Repositories,
  projects: Projects,
  audit: Audit,
  accounts: Accounts,
  nowhere: Nowhere,
};
