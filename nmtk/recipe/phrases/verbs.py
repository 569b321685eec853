"""Verbs: what people do with things, and what things are and do."""

from nmtk.recipe.phrases.grammar import Verb, verb

_BUY = verb("buy buys bought", "kaufen kaufe kaufst kauft gekauft")
_SELL = verb("sell sells sold", "verkaufen verkaufe verkaufst verkauft verkauft")
_NEED = verb("need needs needed", "brauchen brauche brauchst braucht gebraucht", willed=False)
_TAKE = verb("take takes took", "nehmen nehme nimmst nimmt genommen")
_FIND = verb("find finds found", "finden finde findest findet gefunden", willed=False)
_ORDER = verb("order orders ordered", "bestellen bestelle bestellst bestellt bestellt")
_BRING = verb("bring brings brought", "bringen bringe bringst bringt gebracht")

FOOD = (
    _BUY,
    _SELL,
    _NEED,
    _TAKE,
    _ORDER,
    verb("eat eats ate", "essen esse isst isst gegessen"),
)
SMALL = (
    _BUY,
    _SELL,
    _NEED,
    _TAKE,
    _FIND,
    verb("look_for looks_for looked_for", "suchen suche suchst sucht gesucht"),
    verb("forget forgets forgot", "vergessen vergesse vergisst vergisst vergessen", willed=False),
    verb("lose loses lost", "verlieren verliere verlierst verliert verloren", willed=False),
    verb("pick_up picks_up picked_up", "holen hole holst holt abgeholt", "ab"),
    verb("pack packs packed", "packen packe packst packt eingepackt", "ein"),
    verb("throw_away throws_away threw_away", "werfen werfe wirfst wirft weggeworfen", "weg"),
)
LARGE = (
    _BUY,
    _SELL,
    _NEED,
    _FIND,
    _ORDER,
    verb("repair repairs repaired", "reparieren repariere reparierst repariert repariert"),
    verb("clean cleans cleaned", "putzen putze putzt putzt geputzt"),
    verb("pick_up picks_up picked_up", "holen hole holst holt abgeholt", "ab"),
)
MEASURED = (_BUY, _NEED, _ORDER, _SELL)
"""What is done with litres and kilos."""

GIVE = (
    verb("give gives gave", "geben gebe gibst gibt gegeben"),
    verb("show shows showed", "zeigen zeige zeigst zeigt gezeigt"),
    verb("send sends sent", "schicken schicke schickst schickt geschickt"),
    verb("lend lends lent", "leihen leihe leihst leiht geliehen"),
    _BRING,
)
"""To someone, in the dative."""

MEET = (
    verb("visit visits visited", "besuchen besuche besuchst besucht besucht"),
    verb("meet meets met", "treffen treffe triffst trifft getroffen"),
    verb("call calls called", "rufen rufe rufst ruft angerufen", "an"),
    verb("invite invites invited", "laden lade lädst lädt eingeladen", "ein"),
)
"""Someone, in the accusative."""

HELP = (
    verb("help helps helped", "helfen helfe hilfst hilft geholfen"),
    verb("thank thanks thanked", "danken danke dankst dankt gedankt"),
)
"""Someone, in the dative."""

LEAVE = (
    verb("leave leaves left", "fahren fahre fährst fährt abgefahren", "ab", being=True, willed=False),
    verb("arrive arrives arrived", "kommen komme kommst kommt angekommen", "an", being=True),
)
START = (
    verb("begin begins began", "beginnen beginne beginnst beginnt begonnen", willed=False),
    verb("start starts started", "fangen fange fängst fängt angefangen", "an", willed=False),
    verb("end ends ended", "enden ende endest endet geendet", willed=False),
    verb("stop stops stopped", "hören höre hörst hört aufgehört", "auf", willed=False),
)
DAILY = (
    verb("get_up gets_up got_up", "stehen stehe stehst steht aufgestanden", "auf", being=True),
    verb("fall_asleep falls_asleep fell_asleep", "schlafen schlafe schläfst schläft eingeschlafen", "ein", being=True, willed=False),
    verb("arrive arrives arrived", "kommen komme kommst kommt angekommen", "an", being=True),
    verb("come_back comes_back came_back", "kommen komme kommst kommt zurückgekommen", "zurück", being=True),
)
WORK = verb("work works worked", "arbeiten arbeite arbeitest arbeitet gearbeitet")
WAIT = verb("wait waits waited", "warten warte wartest wartet gewartet")
LIVE = verb("live lives lived", "wohnen wohne wohnst wohnt gewohnt")
STAY = verb("stay stays stayed", "bleiben bleibe bleibst bleibt geblieben", being=True)
TRAVEL = verb("travel travels travelled", "fahren fahre fährst fährt gefahren", being=True)
PAY = verb("pay pays paid", "zahlen zahle zahlst zahlt gezahlt")
COST = verb("cost costs cost", "kosten koste kostest kostet gekostet", willed=False)
WEIGH = verb("weigh weighs weighed", "wiegen wiege wiegst wiegt gewogen", willed=False)
LAST = verb("last lasts lasted", "dauern daure dauerst dauert gedauert", willed=False)
LIE = verb("lie lies lay", "liegen liege liegst liegt gelegen", willed=False)
PUT = verb("put puts put", "legen lege legst legt gelegt")
READ = verb("read reads read", "lesen lese liest liest gelesen")
BELONG = verb("belong_to belongs_to belonged_to", "gehören gehöre gehörst gehört gehört", willed=False)

BE = Verb(
    english=("am", "are", "is", "are"),
    english_past=("was", "were", "was", "were"),
    base="be",
    german=("bin", "bist", "ist", "sind"),
    infinitive="sein",
    participle="gewesen",
    german_past=("war", "warst", "war", "waren"),
    copula=True,
)
STAND = BE._replace(
    german=("stehe", "stehst", "steht", "stehen"),
    infinitive="stehen",
    participle="gestanden",
    german_past=("stand", "standst", "stand", "standen"),
)
"""What is written somewhere `is` there in English."""

BE_BORN = BE._replace(
    german_past=("wurde", "wurdest", "wurde", "wurden"),
    tail=("born", "geboren"),
)
"""Only in the past: she was born."""
